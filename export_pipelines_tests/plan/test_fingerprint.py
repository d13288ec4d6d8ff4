"""The fingerprint of a run: another one for other content, the same for the same, however it is asked for and delivered."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import Catalog, Dataset
from export_pipelines.definition import load_definition
from export_pipelines.errors import FatalError, RequestError
from export_pipelines.key_versions import key_names, key_versions
from export_pipelines.plan import Plan, PlanDraft, PlanRequest, bind, compile_plan
from export_pipelines.plan.fingerprint import VERSION, fingerprint, is_comparable
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import WHOLE, window_between, window_of
from export_pipelines_tests.plan.leads import CATALOG, JANUARY, KEYS, Keys, request

LEADS = """\
owner: analytics
fields: [lead_id, submitted_at, email, email.domain, state, price, custom]
filter:
  flows: [Auto]
  where: {outcome: [success]}
  rules:
    - {lhv: last_name, op: is equal to, rhv: Canary}
    - op: or
      rules: [{lhv: price, op: is greater than, rhv: 25}, {lhv: state, op: is equal to, rhv: TX}]
privacy: {email: hash, custom: redact}
partition: daily
compression: gzip
split: {rows: 500}
deliver: [{folder: {path: "a/{{date}}"}}]
"""
EVENTS = (
    "type: event\nformat: ndjson\nfields: [event_id, lead.email]\nfilter: {where: {lead.state: [TX, CA]}}\n"
)
REPORT = """\
type: report
metrics: [leads, revenue, ping_win_rate]
group_by: [state]
every: day
filter: {where: {recipient.name: [One]}}
"""
DATABASES = ("sqlite", "postgresql", "mariadb", "duckdb", "mssql")


def asked(folder: Path, yaml: str, window: Window = JANUARY, keys: Keys = KEYS) -> PlanRequest:
    if "type: report" not in yaml:
        return request(folder, yaml, window, keys)
    file = folder / "test_export.yaml"
    file.write_text(f"format: csv\n{yaml}", encoding="utf-8")
    return PlanRequest(load_definition(file, CATALOG), window, CATALOG, "sqlite", keys)


def digest_of(folder: Path, yaml: str, window: Window = JANUARY, keys: Keys = KEYS) -> str:
    return fingerprint(compile_plan(asked(folder, yaml, window, keys)))


def changed(yaml: str, old: str, new: str) -> str:
    assert old in yaml
    return yaml.replace(old, new)


@pytest.mark.parametrize("yaml", [LEADS, EVENTS, REPORT], ids=["leads", "events", "report"])
@pytest.mark.parametrize("window", [JANUARY, WHOLE], ids=["january", "whole"])
def test_every_database_spells_another_sql_for_the_same_content(
    tmp_path: Path, yaml: str, window: Window
) -> None:
    wanted = asked(tmp_path, yaml, window)
    plans = [
        compile_plan(PlanRequest(wanted.definition, wanted.window, CATALOG, name, KEYS)) for name in DATABASES
    ]
    assert len({plan.query.sql for plan in plans}) > 2
    assert len({fingerprint(plan) for plan in plans}) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a/{{date}}", "b/{{date}}"),
        ('deliver: [{folder: {path: "a/{{date}}"}}]', ""),
        ("deliver: [", 'deliver: [{sftp: {host: "h", user: u, password: {env: P}, path: "a"}}, '),
        ("analytics", "finance"),
        ("partition: daily", "partition: weekly\nschedule: weekly on monday at 02:00"),
        ("compression", "limits: {rows: 10}\ncompression"),
        ("compression", "skip_empty: true\ncompression"),
        ("compression", "retention: 30 days\ncompression"),
        ("compression", "description: of a lead\ncompression"),
        ("compression", "contract: frozen\nversion: 1\ncompression"),
        ("flows: [Auto]", "flows: [Auto, Auto]"),
        ("privacy: {email: hash, custom: redact}", "privacy: {custom: redact, email: hash}"),
    ],
)
def test_it_stays_where_the_content_does(tmp_path: Path, old: str, new: str) -> None:
    assert digest_of(tmp_path, LEADS) == digest_of(tmp_path, changed(LEADS, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lead_id, submitted_at, ", "submitted_at, lead_id, "),  # columns
        ("state, price, ", "state, "),
        ("email.domain", "email.host"),
        ("email: hash", "email: mask"),  # masks
        ("custom: redact", "custom: hash"),
        ("custom: redact", "custom: redact, custom.product_type: mask"),
        ("flows: [Auto]", "flows: [Solar]"),  # filter
        ("flows: [Auto]", "sources: [Auto]"),
        ("flows: [Auto]", 'hours: "09:00-17:00"'),
        ("flows: [Auto]", "dates: [2024-01-15]"),
        ("flows: [Auto]", "weekdays: [monday]"),
        ("flows: [Auto]", "lead_ids: [5fd2de4e7ffc7f0c5fd2de4e]"),
        ("outcome: [success]", "outcome: [failure]"),
        ("outcome: [success]", "outcome: [success, null]"),
        ("rhv: Canary", "rhv: Robin"),
        ("last_name, op", "first_name, op"),
        ("price, op: is greater than", "price, op: is less than"),
        ("rhv: 25", "rhv: 26"),
        ("op: or", "op: and"),
        ("compression: gzip", "compression: none"),  # encoding
        ("compression: gzip", "compression: {gzip: 9}"),
        ("compression: gzip", "compression: gzip\nformat: ndjson"),
        ("compression: gzip", "compression: gzip\nformat: {csv: {null_marker: nil}}"),
        ("compression: gzip", "compression: gzip\nformat: {csv: {header: labels}}"),
        ("rows: 500", "rows: 501"),  # parts
        ("rows: 500", "bytes: 1 MB"),
        ("split", 'naming: "x_{{part}}.{{ext}}"\nsplit'),
        ("split", "sort: [flow.id]\nsplit"),
        ("split", "bad_json: null\nsplit"),
        ("split", "version: 2\nsplit"),
    ],
)
def test_it_changes_with_the_content(tmp_path: Path, old: str, new: str) -> None:
    assert digest_of(tmp_path, LEADS) != digest_of(tmp_path, changed(LEADS, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[leads, revenue, ping_win_rate]", "[leads, revenue]"),
        ("[state]", "[source.name]"),
        ("every: day", "every: week"),
        ("every: day", "every: day\nfill: false"),
        ("every: day", "every: day\npivot: state"),
        ("every: day", "every: day\ntotals: true"),
        ("every: day", "every: day\ntime_basis: submission"),
        ("[One]", "[Two]"),
    ],
)
def test_that_of_a_report_changes_with_what_it_counts(tmp_path: Path, old: str, new: str) -> None:
    assert digest_of(tmp_path, REPORT) != digest_of(tmp_path, changed(REPORT, old, new))


def test_it_is_that_of_the_window_whoever_cut_it(tmp_path: Path) -> None:
    day = request(tmp_path, LEADS)
    windows = [
        window_of(day.definition, "2024-01-15"),
        window_between("2024-01-15", "2024-01-16"),
        window_between("2024-01-15", "2024-01-15T23:59:59Z"),
        window_between(WHOLE.start, WHOLE.end),
        WHOLE,
    ]
    same, hand, *others = (digest_of(tmp_path, LEADS, window) for window in windows)
    assert same == hand and len({same, *others}) == 4


def test_two_names_of_one_field_are_one_field(tmp_path: Path) -> None:
    assert digest_of(tmp_path, EVENTS) == digest_of(tmp_path, changed(EVENTS, "lead.state", "state"))
    assert digest_of(tmp_path, EVENTS) != digest_of(tmp_path, changed(EVENTS, "lead.state", "outcome"))


def test_a_rotated_key_is_other_content_only_where_it_is_used(tmp_path: Path) -> None:
    environment = {"EXPORT_PIPELINES_HASH_KEY": "a key of the tests, which is no secret"}
    names = key_names(
        *(key_versions(environment, name, tmp_path, tmp_path) for name in ("HASH_KEY", "MASTER_KEY"))
    )
    assert digest_of(tmp_path, LEADS) != digest_of(tmp_path, LEADS, keys=names)
    plain = changed(changed(LEADS, "email: hash", "email: mask"), "custom: redact", "custom: mask")
    assert digest_of(tmp_path, plain) == digest_of(tmp_path, plain, keys=names)


@pytest.mark.parametrize(
    ("id", "change", "same"),
    [
        ("price", {"column": "cost"}, False),  # of the output
        ("outcome", {"column": "result"}, False),  # of the filter
        ("last_name", {"path": "name.last", "column": "custom"}, False),
        ("phone_1", {"column": "telephone"}, True),  # of neither
        ("price", {"description": "in dollars"}, True),
    ],
)
def test_it_says_where_the_values_lie(tmp_path: Path, id: str, change: dict[str, Any], same: bool) -> None:
    wanted = request(tmp_path, LEADS)
    fields = tuple(
        field.model_copy(update=change) if field.id == id else field
        for field in CATALOG.dataset("leads").fields
    )
    leads = Dataset.model_validate(CATALOG.dataset("leads").model_dump() | {"fields": fields})
    catalog = Catalog(datasets=(leads, *(dataset for dataset in CATALOG.datasets if dataset.name != "leads")))
    moved = compile_plan(PlanRequest(wanted.definition, wanted.window, catalog, "sqlite", KEYS))
    assert (fingerprint(moved) == fingerprint(compile_plan(wanted))) is same


def test_it_tells_its_version(tmp_path: Path) -> None:
    version, _, digest = digest_of(tmp_path, LEADS).partition(":")
    assert version == VERSION and len(digest) == len(hashlib.sha256().hexdigest())
    assert is_comparable(f"{version}:{digest}")
    assert not any(map(is_comparable, (None, "", digest, f"{int(VERSION) + 1}:{digest}")))


def travelled(plan: Plan) -> PlanDraft:
    return PlanDraft.model_validate_json(plan.model_dump_json())


def test_what_is_compared_with_a_person_is_in_no_json_and_bound_when_it_is_read(tmp_path: Path) -> None:
    wanted = request(tmp_path, LEADS)
    plan = compile_plan(wanted)
    for text in (plan.model_dump_json(), repr(plan), str(plan), str(plan.model_dump())):
        assert "canary" not in text.lower() and "filter.rules.0" in text
    draft = travelled(plan)
    for read in (lambda: draft.whole().query.values, lambda: fingerprint(draft.whole())):
        with pytest.raises(FatalError, match=r"^filter\.rules\.0: .* was not read"):
            read()
    bound = bind(draft, wanted).whole()
    assert bound == plan and "canary" in bound.query.values
    assert (bound.query.values, fingerprint(bound)) == (plan.query.values, fingerprint(plan))


def test_it_is_bound_to_the_definition_as_it_is_now(tmp_path: Path) -> None:
    draft = travelled(compile_plan(request(tmp_path, LEADS)))
    now = request(tmp_path, changed(LEADS, "rhv: Canary", "rhv: Robin"))
    bound = bind(draft, now).whole()
    assert "robin" in bound.query.values and fingerprint(bound) == fingerprint(compile_plan(now))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("op: is equal to, rhv: Canary", "op: is included in, rhv: [Canary, Bird]"),
        ("rhv: 25", "rhv: 26"),
        ("split", "sort: [flow.id]\nsplit"),
    ],
)
def test_it_is_not_bound_to_a_definition_that_asks_for_something_else(
    tmp_path: Path, old: str, new: str
) -> None:
    draft = travelled(compile_plan(request(tmp_path, LEADS)))
    with pytest.raises(RequestError, match="changed since the run was planned"):
        bind(draft, request(tmp_path, changed(LEADS, old, new)))
