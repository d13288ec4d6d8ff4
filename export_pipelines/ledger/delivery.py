"""One row of the ledger's deliveries: an artifact, a destination, and how far it came."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.in_plans import StoredEntry
from export_pipelines.delivery import Receipt

State = Literal["due", "sending", "retrying", "delivered", "failed", "uncertain", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("due", "sending", "retrying")  # the program goes on by itself
ENDED_BADLY: tuple[State, ...] = ("failed", "uncertain")  # a person has to look


@dataclass(frozen=True)
class Delivery:
    """`entry` is the destination as it stands in the plan; `error` the text of the last attempt that failed.

    due: registered, nobody tried yet. sending: an attempt runs, or was killed. retrying: failed for a passing reason,
    tried again at `next_at`. failed: a person must mend something. uncertain: it may have arrived and cannot be asked.
    withdrawn: a newer artifact of the window, or a changed definition, took its place.
    """

    id: str
    artifact: str
    export: str
    window_key: str
    number: int
    lock_key: str
    kind: str
    entry: StoredEntry
    target: str
    state: State
    attempts: int
    bytes: int
    run_id: str | None
    registered_at: datetime
    first_at: datetime | None
    ended_at: datetime | None
    next_at: datetime | None
    error: str | None
    receipt: Receipt | None
    written_by: str | None = None  # the run that made the artifact


def content_of(manifest: Manifest) -> str:
    """Equal for artifacts with the same files and recipes; the plan and the rows are the same then."""
    recipes = [["recipes", *manifest.recipes]] if manifest.recipes else []
    return _digest([*([part.name, part.sha256] for part in manifest.parts), *recipes])


def lock_key_of(export: str, series: str, entry: StoredEntry) -> str:
    """Equal for deliveries of one export's series to one destination: of these, one runs at a time, and a newer one takes the
    place of those before. A window is a series of its own, unless the export says otherwise."""
    return _digest([export, series, entry])[:32]


def series_of(manifest: Manifest) -> str:
    """The series that an artifact is one of."""
    return manifest.changes.series if manifest.changes else manifest.window.key


def delivery_id(manifest: Manifest, lock_key: str) -> str:
    return _digest([manifest.artifact, lock_key])[:32]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
