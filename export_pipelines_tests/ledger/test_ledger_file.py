"""A ledger that is lost, damaged or another program's is refused where artifacts exist; a full disk is named."""

import gc
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from export_pipelines.errors import SettingsError, StoreError
from export_pipelines.ledger import Ledger, ledger_of, open_ledger
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.delivery.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def path_of(desk: Desk) -> Path:
    return desk.home / "ledger.db"


def lose(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def scramble(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_in_a_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def cut_in_its_header(path: Path) -> None:
    os.truncate(path, 60)


def swap(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
        other.commit()


def swap_for_an_empty_one(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")


LOST = "nobody knows what was delivered.*put the ledger back.*move the artifacts away"
DAMAGED = "the ledger is damaged, or no database.*put a copy of it back"
FATES: dict[str, tuple[Callable[[Path], None], str]] = {
    "lost": (lose, LOST),
    "emptied": (empty, LOST),
    "without a table": (swap_for_an_empty_one, LOST),
    "random bytes": (scramble, DAMAGED),
    "cut": (cut, DAMAGED),
    "cut in a page": (cut_in_a_page, DAMAGED),
    "cut in its header": (cut_in_its_header, DAMAGED),
    "another program's": (swap, "another program's database"),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_ledger_that_is_none_is_refused_and_left_alone(desk: Desk, fate: str) -> None:
    spoil, text = FATES[fate]
    desk.send(stored(desk.store), {"kind": "folder", "settings": {"path": "backup"}})
    _close(path_of(desk))
    spoil(path_of(desk))
    before = path_of(desk).read_bytes() if path_of(desk).exists() else None
    for _ in range(2):
        with pytest.raises(SettingsError, match=text) as told:
            ledger_of(desk.settings)
        assert told.value.where == str(path_of(desk))
        assert (path_of(desk).read_bytes() if path_of(desk).exists() else None) == before


@pytest.mark.parametrize("fate", ["lost", "emptied", "without a table"])
def test_a_new_ledger_is_made_where_there_is_no_artifact(desk: Desk, fate: str) -> None:
    desk.home.mkdir()
    ledger_of(desk.settings).engine.dispose()
    _close(path_of(desk))
    FATES[fate][0](path_of(desk))
    assert ledger_of(desk.settings).deliveries() == []


def test_a_page_that_was_damaged_is_told_when_it_is_read(desk: Desk) -> None:
    for number in range(40):
        desk.due(stored(desk.store, export=f"daily_{number}"), {"kind": "download", "settings": {}})
    _close(path_of(desk))
    data = path_of(desk).read_bytes()
    path_of(desk).write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))
    with pytest.raises(SettingsError, match=DAMAGED):
        ledger_of(desk.settings).deliveries()


def _close(path: Path) -> None:
    """All that was written is in the file itself, and nobody has it open."""
    gc.collect()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes; only root can have one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root, to mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, left: int = 0) -> None:
    free = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(b"\1" * max(free - left, 0))


def _write_until_full(ledger: Ledger) -> None:
    for number in range(2_000):
        ledger.record("ann", "noted", "x" * 1_000, {"number": number}, AT)


def test_a_full_disk_is_named_by_the_ledger(small_disk: Path) -> None:
    ledger = open_ledger(f"sqlite:///{small_disk / 'ledger.db'}")
    fill(small_disk, left=100_000)
    with pytest.raises(StoreError, match=r"cannot write the ledger: the disk is full \(make room") as told:
        _write_until_full(ledger)
    assert told.value.where == str(small_disk / "ledger.db")
    (small_disk / "filler").unlink()
    assert ledger.record("ann", "noted", "after", {}, AT)


def test_a_full_disk_is_named_where_the_ledger_is_to_be_made(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(StoreError, match="disk is full") as told:
        open_ledger(f"sqlite:///{small_disk / 'ledger.db'}")
    assert str(small_disk) in told.value.where
