"""Versions that launcher and workers must share: of the program, and of what it reads of a project."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dagster._core.instance import DagsterInstance

from export_pipelines.settings import Settings

PACKAGE = Path(__file__).parents[1]
VERSIONS = "export_pipelines/versions"  # of the daemon, in Dagster's storage


@cache
def program_version() -> str:
    """The installed version, and a digest of the program's files: `0.1.0-1a2b3c4d`."""
    return f"{version('export-pipelines')}-{_digest(PACKAGE, sorted(PACKAGE.rglob('*.py')))[:8]}"


def definitions_digest(settings: Settings) -> str:
    """Equal where the exports, access.yaml and the catalog are."""
    files = [*sorted(settings.definitions.glob("*.y*ml")), settings.access]
    digest = _digest(settings.definitions, (path for path in files if path.is_file()))
    catalog = settings.catalog.read_bytes() if settings.catalog else b""
    return hashlib.sha256(digest.encode() + catalog).hexdigest()[:16]


def versions_of(settings: Settings) -> dict[str, str]:
    """Of this process: `program` and `definitions`."""
    return {"program": program_version(), "definitions": definitions_digest(settings)}


def announce(instance: DagsterInstance, versions: dict[str, str]) -> None:
    """Of the daemon; workers of other versions refuse to start."""
    instance.daemon_cursor_storage.set_cursor_values({VERSIONS: json.dumps(versions)})


def announced(instance: DagsterInstance) -> dict[str, str]:
    """The versions that the daemon wrote down; none before its first start."""
    value = instance.daemon_cursor_storage.get_cursor_values({VERSIONS}).get(VERSIONS)
    return json.loads(value) if value else {}


def _digest(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
