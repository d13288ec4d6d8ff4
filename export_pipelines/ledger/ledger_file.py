"""The file of a ledger in SQLite: what it is before it is opened, and what goes wrong with it told as one clear error."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from export_pipelines.errors import ExportError, SettingsError, StoreError
from export_pipelines.files.full_disk import is_full

OURS = frozenset({"alembic_version", "artifacts", "deliveries", "attempts"})  # tables since the first version
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
FORBIDDEN = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
COPY = "put a copy of it back; without one nobody knows what was delivered: move it and the artifacts away to begin anew"


def look_at(path: Path) -> Literal["new", "ours"]:
    """What is in the file; changes nothing. Raises SettingsError for what is no ledger."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return "new"
    if size % _page_bytes(path):  # SQLite takes what is missing of the last page for zeros
        raise _damaged(path)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            tables = {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
    except sqlite3.Error as error:
        raise file_error(error, path) from error
    if tables and not tables >= OURS:
        raise SettingsError(
            "the file is another program's database, and no ledger",
            where=str(path),
            remedy="name a file of its own in EXPORT_PIPELINES_LEDGER_URL",
        )
    return "ours" if tables else "new"


def is_in_wal(path: Path) -> bool:
    """Whether its journal is a write-ahead log: the 19th byte of the file says so, for every connection."""
    with path.open("rb") as file:
        return file.read(19)[18:] == b"\2"


def file_error(error: sqlite3.Error, path: Path) -> ExportError:
    """What happened to the ledger's file, as a person can mend it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # its kind, without the finer one
    if code in DAMAGED:
        return _damaged(path)
    if is_full(error, path.parent):
        return StoreError(
            "cannot write the ledger: the disk is full",
            where=str(path),
            remedy="make room on it, then run again",
        )
    if code in FORBIDDEN:
        return SettingsError(
            "the ledger cannot be opened for writing",
            where=str(path),
            remedy="give this user the right to write there, or name another file",
        )
    return StoreError(
        f"the ledger could not be used: {error}", where=str(path), remedy="see to its disk, then run again"
    )


def _damaged(path: Path) -> SettingsError:
    return SettingsError("the ledger is damaged, or no database", where=str(path), remedy=COPY)


def _page_bytes(path: Path) -> int:
    """As the file's header says, in its 17th and 18th byte; 1 is 65,536."""
    with path.open("rb") as file:
        said = int.from_bytes(file.read(18)[16:])
    return 65_536 if said == 1 else max(said, 1)
