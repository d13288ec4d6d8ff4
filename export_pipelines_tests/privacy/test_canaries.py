"""Nothing of anybody is left in what an export with privacy leaves behind, and no social security number in what any
export does: files of every format and codec, previews, Dagster's records, logs, manifests, mails.

CANARIES=100000 in the environment searches so many leads instead of 100, and in more columns alone; CELLS=all has both types in every format."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from export_pipelines.cli import app as cli
from export_pipelines.logs import PROGRAM
from export_pipelines.project import Project
from export_pipelines_servers.authority import authority
from export_pipelines_servers.smtp import smtp_server
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.privacy.canary_store import COLUMNS, DAY, PLACES, TEXTS, spelling_at, write_store
from export_pipelines_tests.privacy.runs import (
    FORMATS,
    REDACTED,
    SearchResult,
    export,
    make_project,
    searched,
    unseal,
)

MANY = "CANARIES" in os.environ
LEADS = int(os.environ.get("CANARIES", "100"))
TYPES = ("lead", "event")
PERSONAL = ("email", "phone", "ssn", "name", "street", "dob", "closed")
CLOSED = ("ssn", "closed")
# both types as CSV, whose commands are looked at, and in turn in each other format
CASES = [
    *(("csv", type) for type in TYPES),
    *in_turn(((form,) for form in FORMATS if form != "csv"), *TYPES),
]
# columns that are exported without others, too
ALONE = (
    (*TEXTS, "first_name", "city", "address_1", "custom") if MANY else ("comments", "landing_page", "custom")
)
EXPORTED = [*CASES, *product((*ALONE, "mailed"), TYPES)]
PARTS = (
    "[lead_id, email.domain, email.host, email.tld, email.valid, email_2.domain, phone_1.area, phone_1.type, phone_2.area, "
    "phone_3.country_code, postal_code.zip, postal_code.fsa, dob.year, gender.abbr, ip_address.version]"
)
# a ZIP code has words beside it, so that it makes no longer number with a neighbour in a preview
REPORT = f"""\
type: report
format: csv
metrics: [leads, revenue]
group_by: [postal_code.zip, email.domain, email.tld, phone_1.area]
partition: daily
start: {DAY}
"""
MAIL = """\
filter: {hours: "10:00-10:30"}
recipes: [pandas, dbt]
deliver:
  - email: {to: [a@example.com], from: exports@example.com, smtp: {env: SMTP}, subject: "{{export}} {{date}}"}
"""
SMALL = "limits: {rows: 10}\n"
SUM = ".columns[].statistics.sum"  # of 10,000 years of birth, all 1911, which reads as a day of that year


@dataclass(frozen=True)
class Searched:
    """A project after its exports ran, and what stands in its folder."""

    folder: Path
    result: SearchResult
    ids: dict[str, int]

    def hits(self, part: str, *kinds: str) -> list[dict[str, str]]:
        return [hit for hit in self.result.hits if hit["kind"] in kinds and part in hit["file"]]

    def count(self, part: str) -> Counter[str]:
        return sum((Counter(kinds) for file, kinds in self.result.kinds.items() if part in file), Counter())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    file = tmp_path_factory.mktemp("source") / "leads.db"
    return file, write_store(file, LEADS)


@pytest.fixture(scope="module")
def masked(
    tmp_path_factory: pytest.TempPathFactory, source: tuple[Path, dict[str, int]]
) -> Iterator[Searched]:
    with pytest.MonkeyPatch.context() as patch:
        yield ran(tmp_path_factory.mktemp("masked"), source, REDACTED, patch)


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, source: tuple[Path, dict[str, int]]
) -> Iterator[Searched]:
    with pytest.MonkeyPatch.context() as patch:
        yield ran(tmp_path_factory.mktemp("plain"), source, "", patch)


def ran(
    folder: Path, source: tuple[Path, dict[str, int]], privacy: str, patch: pytest.MonkeyPatch
) -> Searched:
    """A project whose exports have run, been looked at, been mailed, and failed; all that was printed lies in it."""
    folder, (file, ids) = folder / "project", source
    environment = make_project(folder, file)
    for mails in ("mails", "said"):
        (folder / mails).mkdir()
    with smtp_server(folder=folder / "mails") as post:
        environment["SMTP"] = post.url(authority().pem(folder.parent))
        for name in ("DAGSTER_HOME", "EXPORT_PIPELINES_DAGSTER"):
            patch.setenv(name, "")  # so that what a run sets is taken away again
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        for type in TYPES:
            command(folder, f"{type}_csv", export(type, "csv", privacy))
            for form in [form for form, of_type in CASES if of_type == type and form != "csv"]:
                run(folder, environment, f"{type}_{form}", export(type, form, privacy))
            for column in ALONE:
                word = f"privacy: {{{column}: redact}}\n" if privacy else ""
                fields = f"[lead_id, {column}]"
                run(folder, environment, f"{type}_{column}", export(type, "csv", word, fields=fields))
            run(folder, environment, f"{type}_parts", export(type, "csv", fields=PARTS))
            command(folder, f"{type}_mailed", export(type, "csv", privacy, "zip", MAIL))
            command(folder, f"{type}_stopped", export(type, "csv", privacy, more=SMALL), failing=True)
        command(folder, "report_csv", REPORT)
        assert len(post.messages) == len(TYPES)
        unseal(folder, environment)
    return Searched(folder, searched(folder), ids)


def command(folder: Path, name: str, text: str, *, failing: bool = False) -> None:
    """Writes an export, runs it as Dagster does, looks at it; what is printed is kept."""
    (folder / "exports" / f"{name}.yaml").write_text(text, encoding="utf-8")
    asked: list[tuple[str, ...]] = [("run", name, "--partition", DAY)]
    if name.endswith("_csv"):
        # numbers that stand side by side in a table would read as a phone number
        shape = ("--json",) if name.startswith("report") else ()
        asked += [("preview", name, "--partition", DAY, *shape), ("plan", name, "--partition", DAY, "--json")]
    for words in asked:
        result = CliRunner().invoke(cli.app, ["--debug", *words])
        assert (result.exit_code != 0) is failing, result.stderr
        (folder / "said" / f"{words[0]}_{name}.txt").write_text(
            result.stdout + result.stderr, encoding="utf-8"
        )


def run(folder: Path, environment: dict[str, str], name: str, text: str) -> None:
    """Writes an export and runs it without Dagster, whose records hang on no format and no columns; its log is kept."""
    (folder / "exports" / f"{name}.yaml").write_text(text, encoding="utf-8")
    logger = logging.getLogger(PROGRAM)
    log, level = logging.FileHandler(folder / "said" / f"log_{name}.txt", encoding="utf-8"), logger.level
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    try:
        Project.open(folder, environment).run(name, DAY)
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)
        log.close()


def summary(searched: Searched, hits: list[dict[str, str]]) -> str:
    """The hits by spelling and column, with an example of each."""
    kinds: Counter[str] = Counter()
    example: dict[str, str] = {}
    for hit in hits:
        line = f"{hit['kind']} | {spelling_of(hit, searched.ids)} | {hit['path']}"
        kinds[line] += 1
        example.setdefault(line, f"{hit['value'][:120]!r} in {Path(hit['file']).name}")
    lines = [f"{count:6} {line}: {example[line]}" for line, count in kinds.most_common(40)]
    return f"{len(hits)} hits, of {len(kinds)} sorts\n" + "\n".join(lines)


def spelling_of(hit: dict[str, str], ids: dict[str, int]) -> str:
    """The spelling that was written where the hit is."""
    path = hit["path"].replace("[]", "").removeprefix("lead.").removeprefix("lead_")
    path = next((place for place in PLACES if path.startswith((place, place.removeprefix("lead.")))), path)
    if hit["row"] not in ids or path not in (*COLUMNS, *TEXTS, *PLACES):
        return "?"
    n = ids[hit["row"]] - path.startswith("appended")
    try:
        return spelling_at(n, path).name
    except ValueError:
        return "as it is"


@pytest.mark.parametrize(("form", "type"), CASES)
def test_without_privacy_everybody_is_found(type: str, form: str, plain: Searched) -> None:
    """The search can read each format: what it finds nowhere else is not overlooked."""
    kinds = plain.count(f"/artifacts/{type}_{form}/")
    assert all(kinds[kind] >= LEADS // 5 for kind in PERSONAL if kind not in CLOSED), kinds


@pytest.mark.parametrize(("form", "type"), EXPORTED)
def test_nobody_is_left_in_an_export_with_privacy(type: str, form: str, masked: Searched) -> None:
    hits = masked.hits(f"/artifacts/{type}_{form}/", *PERSONAL)
    assert not hits, summary(masked, hits)


@pytest.mark.parametrize(("form", "type"), EXPORTED)
def test_no_social_security_number_is_left_in_any_export(type: str, form: str, plain: Searched) -> None:
    hits = plain.hits(f"/artifacts/{type}_{form}/", *CLOSED)
    assert not hits, summary(plain, hits)


@pytest.mark.parametrize("name", ["lead_parts", "event_parts", "report_csv"])
def test_nobody_is_left_in_parts_of_values_and_in_groups_of_a_report(name: str, plain: Searched) -> None:
    hits = [hit for hit in plain.hits(f"/{name}/", *PERSONAL) if hit["path"] != SUM]
    assert not hits, summary(plain, hits)
    assert any(f"/{name}/" in file for file in plain.result.kinds)


def test_nobody_is_left_in_mails_previews_logs_and_records(masked: Searched) -> None:
    hits = [hit for hit in masked.hits("", *PERSONAL) if "/artifacts/" not in hit["file"]]
    assert not hits, summary(masked, hits)


def test_no_social_security_number_is_left_in_mails_previews_logs_and_records(plain: Searched) -> None:
    hits = [hit for hit in plain.hits("", *CLOSED) if "/artifacts/" not in hit["file"]]
    assert not hits, summary(plain, hits)


def test_the_search_reads_what_lies_beside_the_files(masked: Searched) -> None:
    names = {str(path.relative_to(masked.folder)) for path in masked.folder.rglob("*") if path.is_file()}
    for part in (
        "ledger.db",
        "dagster/",
        "manifest.json",
        "mails/",
        "said/preview_lead_csv",
        "said/run_event_stopped",
        "said/log_lead_xlsx",
    ):
        assert any(part in name for name in names), part
