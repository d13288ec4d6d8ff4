"""Leads at the terminal: samples and imported files."""

import pytest

from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import Project


def test_sample_leads_fill_an_empty_store_once(terminal: Terminal, project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    assert terminal("sample", "leads", "--count", "60", "--days", "6").code == 0
    planned = data(terminal("plan", "daily", "--partition", "2024-01-02", "--json"))
    assert planned["rows"] == 10
    again = terminal("sample", "leads", "--count", "60")
    assert again.code == 2 and "holds leads already" in again.stderr
    assert terminal("sample", "leads", "--count", "60", "--days", "6", "--replace").code == 0


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_an_import_of_which_every_row_is_rejected_fails(
    terminal: Terminal, project: Project, json: tuple[str, ...]
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_text("When,Mail\nnever,a@example.com\nsoon,b@example.com\n")
    answer = terminal(
        "import", "leads", str(file), "--map", "When=submitted_at", "--map", "Mail=email", *json
    )
    assert answer.code == 1 and "2" in answer.stdout
    assert (project.home / "rejects" / "mine.csv").is_file()
    file.write_text("When,Mail\n")
    assert terminal("import", "leads", str(file), "--map", "When=submitted_at").code == 0


def test_an_imported_file_can_be_exported_with_its_own_columns(terminal: Terminal, project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_text("When,Mail,Shoe size\n2024-01-15,a@example.com,44\nnever,b@example.com,45\n")
    answer = terminal("import", "leads", str(file), "--map", "When=submitted_at", "--map", "Mail=email")
    assert answer.code == 0, answer.stderr
    assert "1 lead loaded of 2 rows" in answer.stdout and "1 row rejected" in answer.stdout
    rejected = (project.home / "rejects" / "mine.csv").read_text()
    assert '3,"When: not a timestamp' in rejected
    project.write("mine", "type: lead\nformat: csv\nfields: [email, custom.shoe_size]\npartition: daily\n")
    rows = data(terminal("preview", "mine", "--partition", "2024-01-15", "--json"))
    assert rows == [{"email": "a@example.com", "custom_shoe_size": "44"}]


def test_a_dry_run_of_an_import_shows_how_the_file_is_read_and_writes_nothing(
    terminal: Terminal, project: Project
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_bytes(
        "WHEN;E-Mail;Größe\n31/1/2024;zoë@example.com;44\nnever;ann@example.com;45\n".encode("utf-16")
    )
    before = sorted(project.folder.rglob("*"))
    words = ("import", "leads", str(file), "--map", "when=submitted_at")
    answer = terminal(*words, "--dry-run")
    assert answer.code == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "1 lead would be loaded of 2 rows",
        "1 row would be rejected",
        "line 3: WHEN: not a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z",
        "column  field         by",
        "WHEN    submitted_at  similar header in the mapping (guessed)",
        "E-Mail  email         similar to the name of the field (guessed)",
        "Größe   custom.groe   new field",
    ]
    assert answer.stderr.splitlines() == [
        "read as utf-16, with a semicolon between cells (encoding and delimiter guessed)",
        'dates of "WHEN" are read day first, as line 2 tells',
    ]
    assert sorted(project.folder.rglob("*")) == before
    found = data(terminal(*words, "--dry-run", "--json"))
    assert found["columns"][1:] == [
        {"header": "E-Mail", "field": "email", "match": "similar to the name of the field", "guessed": True},
        {"header": "Größe", "field": "custom.groe", "match": "new field", "guessed": False},
    ]
    assert found["form"] == {"encoding": "utf-16", "delimiter": ";", "guessed": ["encoding", "delimiter"]}
    assert found["first_rejects"] == [
        [3, "WHEN: not a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z"]
    ]


@pytest.mark.parametrize(
    ("content", "option", "told"),
    [
        (
            "when,first name\n2024-01-15,Mu\xf1oz\n2024-01-16,Fran\xe8ois\n",
            ("--encoding", "latin-1"),
            "read as iso8859-1",
        ),
        ("when;x,y\n2024-01-15;5,6\n", ("--delimiter", ";"), "with a semicolon"),
        ("when,x\n1/2/2024,5\n", ("--dates", "day first"), "read day first"),
    ],
)
def test_what_cannot_be_told_is_refused_until_it_is_said(
    terminal: Terminal, project: Project, content: str, option: tuple[str, str], told: str
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_bytes(content.encode("latin-1"))
    words = ("import", "leads", str(file), "--map", "when=submitted_at")
    refused = terminal(*words)
    assert refused.code == 2 and "cannot be told" in refused.stderr and option[0] in refused.stderr
    answer = terminal(*words, *option)
    assert answer.code == 0 and told in answer.stderr
    assert terminal(*words, option[0], "no such").code == 2
