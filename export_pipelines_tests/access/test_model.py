"""The program against the model of model.py: random policies and requests, no cell of difference.

EXAMPLES=10 in the environment tries ten seeds instead of one."""

import json
import random
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from export_pipelines.access import load_policy
from export_pipelines.definition import load_definition
from export_pipelines.errors import RequestError
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.access import model
from export_pipelines_tests.access.policies import CATALOG
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.plan.leads import KEYS

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
NOW = FIRST + timedelta(days=model.TODAY - 1, hours=8)
WINDOW = window_between("2024-01-01", "2024-02-01")
POLICIES, REQUESTS = 48, 8
READ_OF = 4  # every so many cells, rows are read too


def compiled(folder: Path, asked: model.Asked) -> PlanRequest:
    text = {
        "type": "lead",
        "format": "csv",
        "owner": "boss",
        "fields": asked.fields,
        "filter": {
            **({"flows": asked.flows} if asked.flows else {}),
            **({"rules": [{"lhv": asked.where, "op": "is not blank"}]} if asked.where else {}),
        },
        "sort": [asked.sort] if asked.sort else [],
        "privacy": asked.privacy,
    }
    file = folder / "asked.yaml"
    file.write_text(
        yaml.safe_dump({k: v for k, v in text.items() if v}, allow_unicode=True), encoding="utf-8"
    )
    return PlanRequest(load_definition(file, CATALOG), WINDOW, CATALOG, "sqlite", KEYS)


def write_policy(folder: Path, roles: dict[str, model.Role]) -> Path:
    data = {
        "roles": {"all": {"permissions": ["view", "create"]}}
        | {n: one.as_yaml() for n, one in roles.items()},
        "principals": {"boss": {"roles": ["all"]}} | {f"p_{name}": {"roles": [name]} for name in roles},
    }
    file = folder / "access.yaml"
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return file


def wanted_rows(source: sqlite3.Connection, given: model.RunOverrides, where: str | None) -> list[str]:
    """The ids of the leads that the model gives, read by a SELECT of our own without any of these predicates."""
    column = {"flow.name": "f.name"}.get(where or "", f"l.{where}")
    rows = source.execute(
        f"SELECT l.lead_id, f.name, l.submitted_at, {column if where else 1} "
        "FROM leads l LEFT JOIN flows f ON f.id = l.flow_id ORDER BY l.submitted_at, l.lead_id"
    ).fetchall()
    first = f"{FIRST + timedelta(days=given.first_day - 1):%Y-%m-%d}"
    return [
        id
        for id, flow, at, value in rows
        if first <= at < "2024-02-01"
        and all(flow in some for some in given.flows)
        and (not where or (value is not None and str(value).strip() != ""))
    ]


@pytest.mark.parametrize("seed", range(examples(1)))
def test_each_cell_is_as_the_model_says(store_url: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    source, leads = open_source(store_url), sqlite3.connect(store_url.removeprefix("sqlite:///"))
    refused = narrowed = 0
    for _ in range(POLICIES // 4):
        role = model.some_role(chance)
        policy = load_policy(write_policy(tmp_path, {"r": role, "n": replace(role, max_rows=None)}), CATALOG)
        for number in range(REQUESTS):
            asked, permission = model.some_request(chance), chance.choice(["view", "create"])
            request = compiled(tmp_path, asked)
            want = model.given(role, asked, permission)
            try:
                whole = compile_plan(request)
            except RequestError:  # which no rights make better
                continue
            try:
                got: Plan | None = compile_plan(with_rights(request, policy, "p_r", permission, NOW))  # type: ignore[arg-type]
            except RequestError as error:
                assert want is None, (role, asked, str(error))
                refused += 1
                continue
            assert want is not None, (role, asked)
            assert got and got.rights
            assert {column.id: str(column.mask or "keep") for column in got.masking.columns} == _with_closed(
                want, whole
            ), (role, asked)
            assert got.query.limit == want.max_rows
            narrowed += bool(got.rights.narrowed)
            if number % READ_OF == 0:
                rows = _ids(source, request, policy, permission)
                expected = wanted_rows(leads, want, asked.where)
                assert sorted(rows) == sorted(expected)
                with_limit = sum(batch.num_rows for batch in source.read(got.query))
                count = source.count(got.query)
                assert with_limit == count == min(len(expected), want.max_rows or len(expected))
    assert refused > 10 and narrowed > 20


def _with_closed(want: model.RunOverrides, whole: Plan) -> dict[str, str]:
    """In an export that treats personal data, what has not the form of a closed type is redacted, by its own rules."""
    own = {column.id: str(column.mask or "keep") for column in whole.masking.columns}
    return {
        id: own[id] if done == "keep" and own[id] == "redact" and not model.FIELDS[id][2] else done
        for id, done in want.columns.items()
    }


def _ids(source: object, request: PlanRequest, policy: object, permission: str) -> list[str]:
    """The ids of all rows, without the limit: the same export with the ids alone."""
    definition = request.definition.model_copy(update={"fields": ("lead_id",), "privacy": {}})
    plan = compile_plan(with_rights(replace(request, definition=definition), policy, "p_n", permission, NOW))  # type: ignore[arg-type]
    return [
        id
        for batch in source.read(plan.query)  # type: ignore[attr-defined]
        for id in batch.column("lead_id").to_pylist()
    ]
