"""Deliveries that are due, end and fail."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.delivery import Receipt
from export_pipelines.ledger import Ledger
from export_pipelines.ledger import open_ledger as opening
from export_pipelines_tests.artifacts.build import AT, manifest_of

ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "a"}}
OTHER_ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "b"}}
HOUR = timedelta(hours=1)
SECRET = "hunter2secret"


def at(moment: datetime = AT) -> Callable[[], datetime]:
    return lambda: moment


def due(ledger: Ledger, manifest: Manifest | None = None, *entries: StoredEntry) -> list[str]:
    found = ledger.register(manifest or manifest_of(), entries or [ENTRY], "run", AT)
    return [one.id for one in found]


def receipt_of(manifest: Manifest) -> Receipt:
    return Receipt(
        kind="folder", target="/a", artifact=manifest.artifact, files=("x",), bytes=1, sha256="0" * 64, at=AT
    )


def deliver(ledger: Ledger, id: str, manifest: Manifest, moment: datetime = AT, again: bool = False) -> bool:
    """Whether it was sent, not only recognised."""
    with ledger.claim(id, at(moment), again=again) as attempt:
        if attempt.receipt:
            return False
        attempt.receipt = receipt_of(manifest)
    return True


def migrations(engine: sa.Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__code__.co_filename).parent / "migrations"))
    config.attributes["engine"] = engine
    return config
