"""Commands that list what there is: exports, fields, the schema, the version."""

from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import Project

BROKEN = "type: lead\nformat: csv\nfields: [lead_id, emial]\n"


def test_help_names_every_command(terminal: Terminal) -> None:
    text = terminal("--help").stdout
    for name in ("demo", "run", "backfill", "artifacts", "verify", "deliveries", "deliver", "detokenize", "list", "fields", "check", "plan", "preview", "schema", "version", "sample", "import"):  # fmt: skip
        assert f"│ {name} " in text


def test_list_shows_broken_definitions_beside_the_others(terminal: Terminal, project: Project) -> None:
    project.write("broken", BROKEN)
    answer = terminal("list")
    assert answer.code == 0
    rows = answer.stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["name", "broken", "daily"]
    assert 'exports/broken.yaml:3: unknown field "emial"; did you mean "email"?' in rows[1]
    assert "1 definition broken" in answer.stderr


def test_list_as_json(terminal: Terminal, project: Project) -> None:
    project.write("broken", BROKEN)
    broken, daily = data(terminal("list", "--json"))
    assert broken["name"] == "broken" and len(broken["faults"]) == 1
    assert (daily["name"], daily["format"], daily["schedule"], daily["faults"]) == (
        "daily",
        "csv",
        "0 2 * * *",
        [],
    )


def test_fields_shows_types_privacy_and_what_remains(terminal: Terminal) -> None:
    answer = terminal("fields", "leads")
    (email,) = [line for line in answer.stdout.splitlines() if line.startswith("email ")]
    remains = ["domain", "host", "tld", "valid"]
    assert email.split() == ["email", "email", "(text)", "direct,", "open", "Person", "user", "domain", "host", "tld", "is_free", "is_disposable", "valid", *remains, *remains]  # fmt: skip
    (phone,) = [line for line in answer.stdout.splitlines() if line.startswith("phone_1 ")]
    assert phone.endswith(
        "  area exchange country_code type is_tollfree valid  area country_code type is_tollfree valid"
    )
    (dob,) = [line for line in answer.stdout.splitlines() if line.startswith("dob ")]
    assert "direct" in dob and "open" not in dob
    (ssn,) = [line for line in answer.stdout.splitlines() if line.startswith("ssn ")]
    assert "never exported" in ssn


def test_fields_as_json(terminal: Terminal) -> None:
    fields = {one["id"]: one for one in data(terminal("fields", "--json"))}
    assert fields["revenue"]["kind"] == "decimal" and fields["lead_id"]["required"] is True
    parts = {part.pop("id"): part for part in fields["phone_1"]["components"]}
    assert parts["phone_1.exchange"] == {
        "kind": "text",
        "remains_when_hidden": True,
        "remains_when_masked": False,
    }
    assert (fields["phone_1"]["open"], fields["dob"]["open"], fields["reason"]["open"]) == (
        True,
        False,
        False,
    )


def test_schema_is_a_json_schema(terminal: Terminal) -> None:
    assert data(terminal("schema"))["type"] == "object"


def test_version_is_the_installed_one(terminal: Terminal) -> None:
    assert terminal("version").stdout.startswith("export-pipelines 0.1.0\n")
