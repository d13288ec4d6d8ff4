"""`recipe` at the terminal."""

from collections.abc import Callable

import duckdb
import pytest
import sqlalchemy as sa

from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.tables import audit
from export_pipelines.recipes import READERS
from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]
DAY = ("--partition", "2024-01-15")


@pytest.fixture
def artifact(terminal: Terminal) -> str:
    assert terminal("run", "daily", *DAY).code == 0
    return terminal("artifacts", "daily").stdout.splitlines()[1].split()[0]


def test_every_reader_has_a_recipe_or_says_what_it_reads(terminal: Terminal, artifact: str) -> None:
    for name, reader in READERS.items():
        answer = terminal("recipe", artifact, "--for", name)
        if "csv" in reader.forms:
            assert answer.code == 0 and reader.title in answer.stdout, name
        else:
            refusal = "has no recipe for csv (export the window as one of: parquet)"
            assert answer.code == 2 and refusal in answer.stderr, name


def test_what_is_printed_loads_what_was_delivered(
    project: Project, terminal: Terminal, artifact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.home / "delivered" / "daily" / "2024-01-15")
    recipe = terminal("recipe", "daily/2024-01-15", "--for", "duckdb", "--table", "main.day").stdout
    with duckdb.connect() as connection:
        assert connection.execute(recipe).fetchall() == []
        assert connection.execute("SELECT count(*), count(DISTINCT lead_id) FROM day").fetchall() == [
            (10, 10)
        ]


def test_a_check_finds_a_row_that_is_missing(
    project: Project, terminal: Terminal, artifact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = (project.home / "delivered" / "daily" / "2024-01-15").glob("*.csv")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    monkeypatch.chdir(file.parent)
    with duckdb.connect() as connection:
        differs = connection.execute(terminal("recipe", artifact, "--for", "duckdb").stdout).fetchall()
    assert ("rows",) in differs


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("daily/2024-01-15", "--for", "duckbd"), 'unknown reader "duckbd"; did you mean "duckdb"?'),
        (("daily/2024-01-15", "--for", "duckdb", "--table", "a b"), '"a b" is no name of a table'),
        (("daily/2024-01-14", "--for", "duckdb"), "there is no artifact of the window 2024-01-14"),
    ],
)
def test_a_request_that_cannot_be_is_told(
    words: tuple[str, ...], said: str, terminal: Terminal, artifact: str
) -> None:
    answer = terminal("recipe", *words)
    assert answer.code == 2 and said in answer.stderr and answer.stdout == ""


def test_an_artifact_whose_parts_are_gone_has_none(
    project: Project, terminal: Terminal, artifact: str
) -> None:
    (project.home / "artifacts" / artifact / "leads_part_1.csv").unlink()
    answer = terminal("recipe", artifact, "--for", "duckdb")
    assert answer.code == 1 and answer.stdout == ""
    assert f"{artifact}: leads_part_1.csv is gone (run the export again" in answer.stderr


def test_a_sealed_artifact_is_loaded_from_a_delivery(project: Project, terminal: Terminal) -> None:
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    assert terminal("run", "daily", *DAY).code == 0
    answer = terminal("recipe", "daily/2024-01-15", "--for", "pandas")
    assert answer.code == 0 and "The files are sealed in the store" in answer.stdout


def test_whoever_may_not_fetch_an_artifact_gets_no_recipe_of_it(project: Project, terminal: Terminal) -> None:
    (project.folder / "access.yaml").write_text(ACCESS, encoding="utf-8")
    project.write("leads", LEADS)
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    assert terminal("run", "leads", "--partition", "2024-01-01", "--as", "boss").code == 0
    answer = terminal("recipe", "leads/2024-01-01", "--for", "duckdb", "--as", "ana")
    assert answer.code == 2 and answer.stdout == "" and "ana may not download it" in answer.stderr
    with open_ledger(f"sqlite:///{project.home / 'ledger.db'}").engine.connect() as connection:
        refused = (
            connection.execute(sa.select(audit.c.actor).where(audit.c.action == "denied")).scalars().all()
        )
    assert "ana" in refused
    assert terminal("recipe", "leads/2024-01-01", "--for", "duckdb", "--as", "boss").code == 0
