"""An export in `mode: changes` whose artifacts are written and delivered one after the other."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from export_pipelines.artifact_of_run import RunContext
from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.mode import Changes
from export_pipelines.mask.keys import Keys
from export_pipelines.pipeline import deliver, write_window
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.run.whole_run import NOW, plan_of, token

KEYS = Keys.from_bytes(hash_key=b"k" * 32)
OUT, SECOND = (FolderSettings(path=f"{name}/{{{{run}}}}") for name in ("out", "second"))
Sent = tuple[Manifest, list[str]]


@dataclass
class Series:
    """An export in `mode: changes` over a source of its own."""

    desk: Desk
    url: str
    number: int = 0

    def plan(self, **changes: Any) -> Plan:
        return plan_of(keys=KEYS.names, **{"changes": Changes(), "deliver": (OUT,), **changes})

    def write(self, plan: Plan | None = None) -> Sent:
        """An artifact, and the ids of its deliveries."""
        self.number += 1
        context = RunContext(open_source(self.url), self.desk.store, KEYS, lambda: NOW)
        manifest, due = write_window(plan or self.plan(), context, self.desk.ledger, token(self.number))
        return manifest, [delivery.id for delivery in due]

    def send(self, id: str, again: bool = False) -> None:
        deliver(id, self.desk.ledger, self.desk.resources, lambda: NOW, again=again)

    def run(self, plan: Plan | None = None) -> Manifest:
        """An artifact, delivered."""
        manifest, due = self.write(plan)
        for id in due:
            self.send(id)
        return manifest

    def ask(self, sql: str) -> None:
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
            connection.execute(sql)

    def change(self, rows: int = 1) -> None:
        self.ask(f"UPDATE leads SET price = coalesce(price, 0) + 1 WHERE rowid <= {rows}")


def figures(manifest: Manifest) -> tuple[str | None, int, int, int]:
    changes = manifest.changes
    assert changes
    return changes.since, changes.added, changes.changed, changes.removed


def why_full(manifest: Manifest) -> str:
    assert manifest.changes and manifest.changes.since is None
    return manifest.changes.full or ""
