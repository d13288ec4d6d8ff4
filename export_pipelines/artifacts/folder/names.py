"""The layout of a folder store as names: `<store>/<export>/<window key>/<token>/`, and what may be a name in it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from export_pipelines.artifacts.manifest import MANIFEST_NAME
from export_pipelines.errors import RequestError, unknown

LOCK_NAME = ".lock"  # held by the living writer of an artifact
JOURNAL_NAME = ".journal"  # how far the writer of an artifact has come
MUTEX_NAME = ".mutex"  # held while folders appear or go
TEMPORARY = ".tmp"
MAX_NAME_BYTES = 200
TOKEN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
OWN_FILE = re.compile(
    r"\.lead_index|\.row_digests|\.sealed_[0-9a-f]{8}_[0-9]+"
)  # of an artifact beside its parts
_FOLDER = re.compile(r"\w[\w.+@=, -]*")


def artifact_id(export: str, window_key: str, token: str) -> str:
    """`<export>/<window key>/<token>`. Raises RequestError for a name that cannot be a folder's."""
    for name in (export, window_key):
        if not _FOLDER.fullmatch(name) or len(name.encode()) > MAX_NAME_BYTES:
            raise RequestError(
                f'"{name}" cannot name a folder of the artifact store',
                remedy="letters, digits and . _ - + @ = only, a letter or digit first",
            )
    if not TOKEN.fullmatch(token):
        raise RequestError(f'"{token}" is no token of a run', remedy="20240115T020000Z-0a1b2c is one")
    return f"{export}/{window_key}/{token}"


def is_artifact_id(text: str) -> bool:
    names = text.split("/")
    return len(names) == 3 and all(map(_FOLDER.fullmatch, names)) and bool(TOKEN.fullmatch(names[2]))


def unknown_artifact(artifact: str, artifacts: Iterable[str], where: str) -> RequestError:
    """That there is no such artifact. The nearest of `artifacts` is named where it is of the same window: one of another holds
    other rows, whatever its name looks like."""
    window = artifact.split("/")[1:2]
    of_window = [name for name in artifacts if name.split("/")[1:2] == window]
    return RequestError(unknown("artifact", artifact, of_window, "export-pipelines artifacts"), where=where)


def check_part_name(name: str) -> str:
    """`name`, if a file of an artifact may have it. Raises RequestError."""
    if OWN_FILE.fullmatch(name):
        return name
    bad = (
        not name.strip()
        or "/" in name
        or "\\" in name
        or not name.isprintable()
        or name.startswith(".")
        or name.endswith(TEMPORARY)
        or name == MANIFEST_NAME
        or len(name.encode()) > MAX_NAME_BYTES
    )
    if bad:
        raise RequestError(
            f'a part cannot be named "{name}"',
            remedy="`naming:` gives a plain file name such as leads_part_{{part}}.{{ext}}",
        )
    return name


def artifact_folders(
    root: Path, export: str | None = None, first: str = "", last: str | None = None
) -> list[Path]:
    """Every folder under `root` that lies and is named as an artifact is, committed or not; of windows from the key `first` to
    the key `last`."""
    exports = [export] if export else _subfolders(str(root), _FOLDER)
    windows = [
        (of_export, key)
        for of_export in exports
        for key in ([first] if first and first == last else _subfolders(f"{root}/{of_export}", _FOLDER))
        if first <= key <= (last or key)
    ]
    artifacts = sorted(
        (*window, token)
        for window in windows
        for token in _subfolders(f"{root}/{window[0]}/{window[1]}", TOKEN, links=False)
    )
    return [root / "/".join(artifact) for artifact in artifacts]


def _subfolders(folder: str, pattern: re.Pattern[str], links: bool = True) -> list[str]:
    """Their names, which `pattern` allows; none of a folder that is gone, or is not ours to read."""
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name
                for entry in entries
                if pattern.fullmatch(entry.name) and entry.is_dir() and (links or not entry.is_symlink())
            ]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
