"""A random history of a source and of an export in `mode: changes` over it: rows come, change and go, columns, masks and keys
change, runs are killed, deliveries fail, sets are erased."""

import os
import random
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.catalog import PERSONAL_CLASSES
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.mode import Changes
from export_pipelines.definition.output import Format
from export_pipelines.erasure.erase import Eraser
from export_pipelines.errors import ExportError
from export_pipelines.ledger import ENDED_BADLY, OPEN
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.mask.keys import Keys
from export_pipelines.pipeline import deliver, run_window
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.preloaded import forking
from export_pipelines_tests.run.changes.reader import Reader, canonical, rows_in
from export_pipelines_tests.run.whole_run import NOW, plan_of, sample_url

Form = Literal["csv", "ndjson", "parquet"]
ODD = ["", "\x1f", "\x1e\x1d", "a\x1eb", 'say "so"', "two\nlines", "\\N", " ", "ünï", None, "x" * 300]
STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect")
LEADS = 60
COLUMNS = ("lead_id", "submitted_at", "comments", "price", "state", "first_name", "email", "outcome")
EVENT_COLUMNS = ("event_id", "lead_id", "occurred_at", "outcome", "reason", "ms", "lead.state")
KEYS = [b"k" * 32, b"another key of 32 bytes for hashes"]
TABLES = {"lead": ("leads", "lead_id"), "event": ("events", "event_id")}


def key_named(material: bytes) -> Keys:
    return Keys.from_bytes(hash_key=material)


def run_in_process(
    home: Path, plan: Plan, url: str, material: bytes, token: str, die_at: int, at: datetime
) -> None:
    """A whole run that ends its process at the `die_at`th step on files."""
    left = [die_at]

    def die(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS and str(home) in str(arguments[0]):
            left[0] -= 1
            if not left[0]:
                os._exit(9)

    sys.addaudithook(die)
    desk = Desk(home, at=at)
    context = RunContext(open_source(url), desk.store, key_named(material), lambda: at)
    run_window(plan, context, desk.ledger, desk.resources, token)


class History:
    """One history, chosen by `seed`, in the folder `folder`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.form: Form = self.chance.choice(["csv", "ndjson", "parquet"])
        self.type = self.chance.choice(["lead", "lead", "event"])
        self.every = self.chance.choice([None, None, 3])
        self.whole = self.chance.random() < 0.5
        self.columns = list(COLUMNS if self.type == "lead" else EVENT_COLUMNS)
        self.privacy: dict[str, Any] = {}
        self.material = KEYS[0]
        self.url = sample_url(folder, LEADS, events=self.type == "event")
        self.home = folder / "home"
        self.reader = Reader(self.home / "delivered" / "out")
        self.number, self.now = 0, NOW
        self.told: list[str] = []

    @property
    def desk(self) -> Desk:
        return Desk(self.home, at=self.now)

    def plan(self, full: bool = False) -> Plan:
        keys = key_named(self.material).names
        options = {"null_marker": "NULL"} if self.form == "csv" else {}
        return plan_of(
            None if self.whole else "2024-01-15",
            keys=keys,
            type=self.type,
            partition=None if self.whole else "daily",
            fields=tuple(self.columns),
            privacy={
                id: word for id, word in self.privacy.items() if id in (*self.columns, *PERSONAL_CLASSES)
            },
            format=Format(name=self.form, options=options),
            contract="free",
            changes=None if full else Changes(full=self.every and f"every {self.every}"),
            deliver=() if full else (FolderSettings(path="out/{{run}}"),),
        )

    def context(self) -> RunContext:
        return RunContext(open_source(self.url), self.desk.store, key_named(self.material), lambda: self.now)

    def token(self) -> str:
        self.number += 1
        return f"20240116T020000Z-{self.number:06x}"

    def step(self) -> None:
        """One thing happens to the source or the export, then a run; the reader takes what has arrived."""
        self.now += timedelta(hours=1) if self.chance.random() < 0.9 else timedelta(hours=-1)
        self.change_rows()
        for chance, change in ((0.1, self.change_columns), (0.1, self.change_masks), (0.05, self.change_key)):
            if self.chance.random() < chance:
                change()
        how = self.chance.choices(
            [self.run, self.run_killed, self.run_undelivered, self.run_two, self.erase_last],
            [6, 2, 1, 1, 0.5],
        )[0]
        self.told.append(how.__name__)
        how()
        self.reader.catch_up()

    def settle(self) -> None:
        """A run that arrives; then readers have what a full export gives, the one who was there all the time and a new one."""
        self.run()
        assert self.reader.catch_up() == 1, self.told
        full_set, new_reader = self.full_set(), Reader(self.reader.folder)
        assert canonical(self.reader.rows, self.form) == full_set, self.told
        new_reader.catch_up_with(self.reader.has)
        assert canonical(new_reader.rows, self.form) == full_set, self.told

    def full_set(self) -> bytes:
        plan = self.plan(full=True)
        manifest = run_export(plan, RunContext(**{**vars(self.context()), "store": self.aside}), self.token())
        rows = dict[Any, Any]()
        for part in manifest.parts:
            with self.aside.open(manifest.artifact, part.name) as file:
                rows |= {row[TABLES[self.type][1]]: row for row in rows_in(part.name, file.read())}
        return canonical(rows, self.form)

    @property
    def aside(self) -> Any:
        return Desk(self.home.parent / "aside").store

    # --- what happens to the source ---------------------------------------------------------------------------

    def change_rows(self) -> None:
        table, key = TABLES[self.type]
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
            connection.row_factory = sqlite3.Row
            ids = [row[0] for row in connection.execute(f"SELECT {key} FROM {table} ORDER BY {key}")]
            for id in self.chance.sample(ids, min(len(ids), self.chance.choice([0, 0, 1, 5]))):
                connection.execute(f"DELETE FROM {table} WHERE {key} = ?", [id])
            column = "comments" if self.type == "lead" else "reason"
            for id in self.chance.sample(ids, min(len(ids), self.chance.choice([0, 1, 5, 20]))):
                value = self.chance.choice(ODD)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", [value, id])
            for id in self.chance.sample(ids, min(len(ids), self.chance.choice([0, 0, 1, 5]))):
                self.copy_row(connection, table, key, id)

    def copy_row(self, connection: sqlite3.Connection, table: str, key: str, id: str) -> None:
        """A new row, like another one, whose id may have been there before."""
        row = connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", [id]).fetchone()
        if row is None:
            return
        new = dict(row) | {key: f"{self.chance.randrange(200):024x}"}
        marks = ", ".join("?" * len(new))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", list(new.values()))

    # --- what happens to the export ---------------------------------------------------------------------------

    def change_columns(self) -> None:
        all_columns = COLUMNS if self.type == "lead" else EVENT_COLUMNS
        others = self.chance.sample(all_columns[1:], self.chance.randint(2, len(all_columns) - 1))
        self.columns = [all_columns[0], *others]

    def change_masks(self) -> None:
        masked = {
            "email": "hash",
            "first_name": "mask",
            "direct": "redact",
            "sensitive": "redact",
            "indirect": "keep",
        }
        self.privacy = {} if self.privacy or self.type == "event" else masked

    def change_key(self) -> None:
        self.material = KEYS[1] if self.material == KEYS[0] else KEYS[0]

    # --- runs -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        desk = self.desk
        outcome = run_window(self.plan(), self.context(), desk.ledger, desk.resources, self.token())
        assert outcome.ok, (outcome.failures, self.told)

    def run_killed(self) -> None:
        """Dies at a moment of its own; what it had in hand may be tried again, or not."""
        process = forking().Process(
            target=run_in_process,
            args=(
                self.home,
                self.plan(),
                self.url,
                self.material,
                self.token(),
                self.chance.randint(1, 60),
                self.now,
            ),
        )
        process.start()
        process.join()
        assert process.exitcode in (0, 9), self.told
        self.told[-1] += " to the end" if process.exitcode == 0 else ""
        if self.chance.random() < 0.5:
            self.deliver_waiting()

    def run_undelivered(self) -> None:
        """The destination cannot be written to; the delivery is tried again, or a later run takes its place."""
        out = self.home / "delivered" / "out"
        aside = out.with_name("aside")
        if out.exists():
            out.rename(aside)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("in the way")
        desk = self.desk
        outcome = run_window(self.plan(), self.context(), desk.ledger, desk.resources, self.token())
        assert not outcome.ok, self.told
        out.unlink()
        if aside.exists():
            aside.rename(out)
        if self.chance.random() < 0.5:
            self.deliver_waiting()

    def run_two(self) -> None:
        """While a run reads, another one runs, and its files arrive."""
        other = RunWithin(self)
        desk = self.desk
        context = RunContext(other, desk.store, key_named(self.material), lambda: self.now)
        try:
            run_window(self.plan(), context, desk.ledger, desk.resources, self.token())
        except ExportError as error:
            assert error.code == "base_replaced", (error, self.told)

    def erase_last(self) -> None:
        desk = self.desk
        ledger, manifests = desk.ledger, desk.store.manifests("daily")
        if manifests and all(state == "delivered" for state in ledger.delivery_states()):
            store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
            Eraser(store, ledger, "test", lambda: self.now).erase(manifests[0].artifact, {"why": "test"})

    def deliver_waiting(self) -> None:
        desk = self.desk
        for delivery in desk.ledger.deliveries(states=(*OPEN, *ENDED_BADLY)):
            try:
                deliver(delivery.id, desk.ledger, desk.resources, lambda: self.now)
            except ExportError as error:
                assert error.code == "request", (error, self.told)


class RunWithin:
    """A source of which another run reads first, as soon as this one counts its rows."""

    def __init__(self, history: History) -> None:
        self._history, self._source = history, open_source(history.url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def count(self, query: Any) -> int:
        self._history.run()
        return self._source.count(query)
