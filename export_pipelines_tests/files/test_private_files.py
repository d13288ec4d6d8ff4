"""What the program writes is closed to other users of the machine, whatever the umask of the process."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from export_pipelines import Project as Opened
from export_pipelines.catalog import Kind
from export_pipelines.errors import SettingsError
from export_pipelines.files.private import close_home, make_folder
from export_pipelines.ledger import open_ledger
from export_pipelines.plan.query.query import Query, SourceColumn
from export_pipelines.read import sqlite as read_sqlite
from export_pipelines.read.sqlite import SqliteSource
from export_pipelines.sample import generate_leads
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.conftest import DAYS, FIRST_DAY, SEED, Project
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.preloaded import Process, ended


@pytest.fixture(params=[0o000, 0o022, 0o077], ids="umask {:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> set[tuple[str, str]]:
    """Kind and mode of everything in `folder`, itself included."""
    return {
        ("folder" if path.is_dir() else "file", oct(stat.S_IMODE(path.stat().st_mode)))
        for path in (folder, *folder.rglob("*"))
    }


CLOSED = {("folder", "0o700"), ("file", "0o600")}


@pytest.mark.usefixtures("umask")
def test_artifacts_ledger_and_delivered_folders_are_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "state" / "home")
    manifest = stored(desk.store)
    desk.send(manifest, {"kind": "folder", "settings": {"path": "daily/{{date}}"}})
    desk.send(manifest, {"kind": "folder", "settings": {"path": str(tmp_path / "mounted" / "in")}})
    assert modes(tmp_path / "state") == CLOSED
    assert modes(tmp_path / "mounted") == CLOSED


@pytest.mark.usefixtures("umask")
def test_a_ledger_keeps_its_journal_closed_while_it_is_open(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'state' / 'ledger.db'}")
    with ledger.engine.begin():
        assert (tmp_path / "state" / "ledger.db-wal").exists()
        assert modes(tmp_path / "state") == CLOSED


@pytest.mark.usefixtures("umask")
def test_a_store_of_leads_is_closed(tmp_path: Path) -> None:
    generate_leads(f"sqlite:///{tmp_path / 'state' / 'leads.db'}", 5, SEED, FIRST_DAY, DAYS)
    assert modes(tmp_path / "state") == CLOSED


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0o755)
    make_folder(tmp_path / "theirs" / "ours")
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o755


def test_an_open_home_is_closed_when_the_project_is_opened(project: Project) -> None:
    project.home.mkdir()
    project.home.chmod(0o2775)
    assert (
        Opened.open(project.home.parent, {"EXPORT_PIPELINES_HOME": str(project.home)}).settings.home
        == project.home
    )
    assert stat.S_IMODE(project.home.stat().st_mode) == 0o2700


def test_a_folder_of_many_users_is_no_home(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(SettingsError, match="many users share.*EXPORT_PIPELINES_HOME"):
        close_home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_a_run_at_the_terminal_leaves_nothing_open(project: Project) -> None:
    """Dagster's own files too, by a process whose umask was open."""
    environment = {**os.environ, **project.environment, "DAGSTER_HOME": str(project.folder)}
    for name in ("EXPORT_PIPELINES_DAGSTER", "EXPORT_PIPELINES_STORE_URL"):
        environment.pop(name, None)
    program = (
        "import os, sys\nos.umask(0o000)\nsys.argv[1:] = ['run', 'daily', '--partition', '2024-01-15']\n"
        "from export_pipelines.cli.app import main\nmain()"
    )
    with Process(["-c", program], project.folder, environment) as process:
        ended(process)
    kinds = modes(project.home)
    assert kinds <= CLOSED | {("file", "0o700")} and ("folder", "0o700") in kinds


def test_dagsters_door_closes_the_umask(project: Project) -> None:
    environment = {**os.environ, **project.environment, "DAGSTER_HOME": str(project.folder)}
    program = "import os\nos.umask(0o022)\nimport export_pipelines.definitions\nprint(oct(os.umask(0)))"
    with Process(["-c", program], project.folder, environment) as process:
        out, said = process.communicate()
    assert out.strip() == "0o77", said


@pytest.fixture(scope="module")
def unsorted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table larger than SQLite's cache, in no order."""
    path = tmp_path_factory.mktemp("unsorted") / "leads.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE leads (name TEXT)")
        rows = ((f"{number * 7919 % 60_000:>200}",) for number in range(60_000))
        connection.executemany("INSERT INTO leads VALUES (?)", rows)
    return path


def sorted_on_disk(path: Path, functions: tuple[str, ...]) -> bool:
    """Whether SQLite holds a temporary file while it gives sorted rows; it unlinks the file at once."""
    column = SourceColumn(name="name", type="text", kind=Kind.TEXT)
    sql = "SELECT name FROM leads ORDER BY name"
    query = Query(sql=sql, count_sql=sql, columns=(column,), functions=functions)
    with closing(SqliteSource(path).read(query)) as batches:  # type: ignore[type-var]
        assert next(batches).num_rows
        open_files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return any("etilqs" in open_file for open_file in open_files)


@pytest.mark.parametrize("functions", [(), ("regexp",)], ids=["by column", "with functions"])
def test_sqlite_sorts_no_rows_on_the_disk(
    unsorted: Path, functions: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_sqlite, "BATCH_CELLS", 4096)  # while it sorts, there is more to come
    assert not sorted_on_disk(unsorted, functions)
    monkeypatch.setattr(read_sqlite, "IN_MEMORY", "PRAGMA temp_store = FILE")
    assert sorted_on_disk(unsorted, functions)  # what the setting is for
