import ast
import json
from pathlib import Path

import pytest

import export_pipelines.plan
from export_pipelines.errors import FatalError, RequestError
from export_pipelines.plan import STEP, STEPS, Plan, PlanDraft, blank_draft, compile_plan
from export_pipelines.plan.describe import describe
from export_pipelines.plan.plan import schema_hash
from export_pipelines_tests.plan.leads import CATALOG, KEYS, plan, request

YAML = """\
owner: analytics
fields: [lead_id, email, email.domain, price, custom]
filter: {rules: [{lhv: email, op: is equal to, rhv: jane@example.com}, {lhv: price, op: is greater than, rhv: 25}]}
privacy: {email: hash, custom: redact}
compression: gzip
split: {rows: 500}
deliver: [{folder: {path: "{{export}}/{{date}}"}}]
"""
IMPURE = {"time", "random", "secrets", "os", "socket", "sqlite3", "requests", "urllib", "subprocess", "uuid"}


def test_the_steps_come_in_the_order_of_the_ops() -> None:
    assert [name for name, _ in STEPS] == [
        "extract", "filter", "project_fields", "mask_pii", "serialize", "compress", "write",
    ]  # fmt: skip


def test_equal_requests_give_equal_plans(tmp_path: Path) -> None:
    first, other = (compile_plan(request(tmp_path, YAML)) for _ in range(2))
    assert first == other
    assert first.model_dump_json() == other.model_dump_json()


def test_a_plan_travels_as_json_and_is_the_same_afterwards(tmp_path: Path) -> None:
    whole = plan(tmp_path, YAML)
    back = Plan.model_validate_json(whole.model_dump_json())
    assert back == whole
    assert back.model_dump_json() == whole.model_dump_json()
    assert len(whole.model_dump_json()) < 16_384


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("email: hash", "email: mask", True),
        ("lead_id, ", "", True),
        ("rhv: 25", "rhv: 26", False),
        ("rows: 500", "rows: 501", False),
        ("gzip", "zip", False),
        ("analytics", "finance", False),
    ],
)
def test_the_schema_hash_changes_with_the_columns_only(
    tmp_path: Path, old: str, new: str, changes: bool
) -> None:
    first, other = (
        schema_hash(plan(tmp_path, yaml).masking.columns) for yaml in (YAML, YAML.replace(old, new))
    )
    assert (first != other) is changes


def test_a_step_adds_its_own_section_and_leaves_the_rest(tmp_path: Path) -> None:
    asked = request(tmp_path, YAML)
    before = blank_draft(asked.definition)
    adds = [
        ["extract"],
        ["filter"],
        ["projection"],
        ["masking", "query"],
        ["encoding"],
        ["compression"],
        ["output"],
    ]
    for (name, step), sections in zip(STEPS, adds, strict=True):
        with pytest.raises(FatalError, match=f"the plan is not whole: it lacks .*{sections[0]}"):
            before.whole()
        after = step(before, asked)
        changed = [name for name in PlanDraft.model_fields if getattr(before, name) != getattr(after, name)]
        assert sorted(changed) == sorted(sections), name
        before = after
    assert before.whole() == compile_plan(asked)


@pytest.mark.parametrize("name", ["mask_pii", "compress", "write"])
def test_a_step_that_comes_too_early_names_the_one_before_it(tmp_path: Path, name: str) -> None:
    asked = request(tmp_path, YAML)
    with pytest.raises(FatalError, match="the step `(project_fields|serialize)` comes before this one"):
        STEP[name](blank_draft(asked.definition), asked)


def test_what_a_later_release_adds_to_a_plan_is_not_asked_about(tmp_path: Path) -> None:
    whole = plan(tmp_path, YAML)
    stored = whole.model_dump(mode="json") | {"signed": True}
    stored["query"]["hints"] = ["none"]
    stored["query"]["columns"][0]["unit"] = "ms"
    stored["query"]["parameters"][5]["since"] = 2
    stored["extract"]["window"]["zone"] = "UTC"
    stored["masking"]["columns"][0]["unit"] = "ms"
    stored["output"]["deliver_by"] = "noon"
    assert Plan.model_validate(stored).query == whole.query
    assert PlanDraft.model_validate(stored).masking == whole.masking


def test_the_room_of_plans_opens_nothing_and_reads_no_clock() -> None:
    folder = Path(export_pipelines.plan.__file__).parent
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not IMPURE & {name.partition(".")[0] for name in names}, file
            assert not (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")), file
            assert not (isinstance(node, ast.Name) and node.id in ("open", "create_engine")), file


def test_a_database_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    asked = request(tmp_path, YAML)
    with pytest.raises(RequestError, match='unknown database "postgres"; did you mean "postgresql"?'):
        compile_plan(type(asked)(asked.definition, asked.window, CATALOG, "postgres", KEYS))


@pytest.mark.parametrize(
    ("database", "window"),
    [
        ("mssql", "submitted_at >= '2024-01-01 00:00:00'"),
        ("oracle", "submitted_at >= TO_DATE('2024-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')"),
        ("duckdb", "submitted_at >= '2024-01-01 00:00:00'"),
    ],
)
def test_every_other_database_gets_its_own_spelling(tmp_path: Path, database: str, window: str) -> None:
    asked = request(tmp_path, YAML)
    plan = compile_plan(type(asked)(asked.definition, asked.window, CATALOG, database, KEYS))
    assert f"leads.{window}" in plan.query.sql
    assert plan.extract.dialect == database


def test_a_plan_reads_as_text(tmp_path: Path) -> None:
    assert describe(plan(tmp_path, YAML)).splitlines() == [
        'test_export (lead, owner analytics)',
        'window       2024-01-01_2024-02-01: submitted_at in [2024-01-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)',
        'source       leads, table leads, sqlite',
        'order        submitted_at, lead_id',
        'rows where   submitted_at in [2024-01-01T00:00:00.000Z, 2024-02-01T00:00:00.000Z)',
        '         and email is equal to ***',
        '         and price is greater than 25',
        'sql',
        '  SELECT leads.lead_id AS "lead_id", leads.email AS "email", leads.price AS "price", CASE WHEN',
        "      json_valid(leads.custom) THEN json(leads.custom) WHEN (leads.custom IS NOT NULL) THEN '<JSON that does not",
        '      parse>\' END AS "custom", leads.first_name AS "first_name", leads.last_name AS "last_name", leads.title AS',
        '      "title", leads.dob AS "dob", leads.address_1 AS "address_1", leads.address_2 AS "address_2", leads.ssn AS',
        '      "ssn", leads.submitted_at AS "submitted_at"',
        '  FROM leads',
        '  WHERE leads.submitted_at >= ? AND leads.submitted_at < ? AND coalesce(CASE WHEN (leads.submitted_at GLOB',
        "      '????-??-??T??:??:??.???Z') THEN leads.submitted_at WHEN (length(leads.submitted_at) = 10) THEN CASE WHEN",
        "      (strftime('%Y-%m-%d', leads.submitted_at, '+0 days') = leads.submitted_at) THEN",
        "      strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (strftime('%Y-%m-%dT%H:%M:%S',",
        "      substr(leads.submitted_at, 1, 16), '+0 days') IS NOT (replace(substr(leads.submitted_at, 1, 16), ' ', 'T')",
        "      || ':00')) THEN NULL WHEN (substr(leads.submitted_at, 17) GLOB '[-+]??:??') THEN CASE WHEN",
        "      (strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') >= '0001') THEN",
        "      strftime('%Y-%m-%dT%H:%M:%S', leads.submitted_at, '+0 days') END WHEN (substr(leads.submitted_at, 17) IN",
        "      ('', 'Z')) THEN CASE WHEN (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') >=",
        "      '0001') THEN strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 16), '+0 days') END WHEN",
        "      (strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19), '+0 days') IS NOT",
        "      replace(substr(leads.submitted_at, 1, 19), ' ', 'T')) THEN NULL WHEN (CASE WHEN",
        "      (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN ltrim(substr(substr(leads.submitted_at, 20), 2),",
        "      '0123456789') ELSE substr(leads.submitted_at, 20) END IN ('', 'Z')) THEN CASE WHEN",
        "      ((replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20), 'Z')) >=",
        "      '0001') THEN replace(substr(leads.submitted_at, 1, 19), ' ', 'T') || rtrim(substr(leads.submitted_at, 20),",
        "      'Z') END WHEN (CASE WHEN (substr(leads.submitted_at, 20) GLOB '.[0-9]*') THEN",
        "      ltrim(substr(substr(leads.submitted_at, 20), 2), '0123456789') ELSE substr(leads.submitted_at, 20) END",
        "      GLOB '[-+]??:??') THEN CASE WHEN ((strftime('%Y-%m-%dT%H:%M:%S', substr(leads.submitted_at, 1, 19) ||",
        "      substr(leads.submitted_at, -6, 6), '+0 days') || substr(substr(leads.submitted_at, 20), 1,",
        "      length(substr(leads.submitted_at, 20)) - 6)) >= '0001') THEN strftime('%Y-%m-%dT%H:%M:%S',",
        "      substr(leads.submitted_at, 1, 19) || substr(leads.submitted_at, -6, 6), '+0 days') ||",
        '      substr(substr(leads.submitted_at, 20), 1, length(substr(leads.submitted_at, 20)) - 6) END END, ?) BETWEEN',
        '      ? AND ? AND lower(leads.email) = ? AND leads.price > CAST(? AS NUMERIC) AND leads.price <= CAST(9e999 AS',
        '      NUMERIC) ORDER BY leads.submitted_at, leads.lead_id',
        '  with ["2023-12-31", "2024-02-03", "2024-01-01T00:00:00", "2024-01-01T00:00:00", "2024-01-31T23:59:59.999~", "***", 25]',
        'columns      5',
        '  lead_id       text        pii none',
        '  email         text        pii direct  hashed',
        '  email_domain  text        pii none    from email',
        '  price         decimal(2)  pii none',
        '  custom        json        pii direct  * redacted',
        '  redacted from texts: first_name, last_name, title, dob, address_1, address_2',
        '  never exported, taken out of texts: ssn',
        '  keys needed: HASH_KEY:01234567',
        'format       csv, header: "ids", null_marker: "", spreadsheet_safe: false',
        'compression  gzip',
        'parts        leads_part_1.csv.gz, leads_part_2.csv.gz, ... each of at most 500 rows',
        'limits       5,000,000 rows, 5,000,000,000 bytes before compression',
        'deliver to   folder (path: "{{export}}/{{date}}", overwrite: "replace")',
    ]  # fmt: skip


def test_a_description_never_tells_what_a_person_is_looked_for_by(tmp_path: Path) -> None:
    asked = (
        "fields: [lead_id]\nfilter:\n  where: {last_name: [Doe-Canary], phone_1: '5125550100'}\n"
        "  rules:\n    - {op: or, rules: [{lhv: comments, op: includes, rhv: canary}, "
        "{lhv: email.user, op: matches pattern, rhv: canary}]}"
    )
    compiled = plan(tmp_path, asked)
    assert "canary" not in describe(compiled).lower()
    assert "5125550100" not in describe(compiled)
    assert "canary" not in json.dumps(compiled.filter.text).lower()
