"""Flows, days and the number of rows, on every database: the same rows, in the same order."""

from pathlib import Path

import pytest

from export_pipelines.access import load_policy
from export_pipelines.definition import load_definition
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines.read.open_source import open_source
from export_pipelines.sample import generate_leads
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.access.policies import ACCESS, CATALOG
from export_pipelines_tests.access.test_model import NOW
from export_pipelines_tests.conftest import DAYS, FIRST_DAY, LEADS, SEED
from export_pipelines_tests.transform.report.store import copy

EXPORT = """\
type: lead
format: csv
owner: boss
fields: [lead_id, flow.name, submitted_at]
"""
# of the second, the database cannot be asked, so rows are cut off after it was asked of them
RULES = ("", 'filter:\n  rules:\n    - {lhv: state, op: matches pattern, rhv: "^[A-M]"}\n')
WINDOW = window_between("2024-01-01", "2024-02-01")
LIMIT = 11


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('rights') / 'leads.db'}"
    generate_leads(url, LEADS, SEED, FIRST_DAY, DAYS, events=True)
    return url


@pytest.fixture(scope="module", params=["sqlite", "duckdb", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return sqlite_url
    if request.param == "duckdb":
        made = f"duckdb:///{tmp_path_factory.mktemp('rights') / 'leads.duckdb'}"
    else:
        made = new_database(request.getfixturevalue(f"{request.param}_url"), "rights")
    copy(sqlite_url, made)
    return made


def rows(url: str, folder: Path, text: str, limit: int) -> list[tuple[str, str, str]]:
    (folder / "access.yaml").write_text(ACCESS.replace("100000", str(limit)), encoding="utf-8")
    (folder / "leads.yaml").write_text(text, encoding="utf-8")
    definition = load_definition(folder / "leads.yaml", CATALOG)
    request = PlanRequest(definition, WINDOW, CATALOG, url.partition(":")[0].partition("+")[0])
    policy = load_policy(folder / "access.yaml", CATALOG)
    plan = compile_plan(with_rights(request, policy, "ana", "create", NOW))
    query, source = plan.query, open_source(url)
    source.check(query)
    found = [
        tuple(row[name] for name in ("lead_id", "flow.name", "submitted_at"))
        for batch in source.read(query)
        for row in batch.to_pylist()
    ]
    count = source.count(query)
    assert count >= len(found) if query.counts_at_most else count == len(found)
    return found


@pytest.mark.parametrize("rules", RULES, ids=["in the database", "afterwards"])
def test_the_same_rows_on_every_database(url: str, sqlite_url: str, tmp_path: Path, rules: str) -> None:
    every = rows(sqlite_url, tmp_path, EXPORT + rules, 100_000)
    assert len(every) > LIMIT
    assert {flow for _, flow, _ in every} == {"Auto insurance"}
    assert min(at for *_, at in every) >= "2024-01-06"
    cut = rows(url, tmp_path, EXPORT + rules, LIMIT)
    assert [id for id, *_ in cut] == [id for id, *_ in every[:LIMIT]]
