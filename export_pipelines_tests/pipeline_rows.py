"""What tests of the whole pipeline look at: the rows of an artifact and of the store; and a source that breaks off."""

import csv
import io
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.plan.query.query import Query
from export_pipelines.read.open_source import open_source


def rows_in(store: Store, manifest: Manifest) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for part in manifest.parts:
        with store.open(manifest.artifact, part.name) as file:
            rows += csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
    return rows


def leads_of(url: str) -> list[str]:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        return [
            id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY submitted_at, lead_id")
        ]


def nothing_in(folder: Path) -> bool:
    return not any(path.is_file() for path in folder.rglob("*"))


@dataclass
class Breaking:
    """A real source whose answer ends early: with an error, or silently."""

    url: str
    error: Exception | None
    holds_utf8: bool = True

    def check(self, query: Query) -> None:
        open_source(self.url).check(query)

    def count(self, query: Query) -> int:
        return open_source(self.url).count(query) + (self.error is None)

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        yield from map(self.count, queries)

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        yield from open_source(self.url).read(query)
        if self.error:
            raise self.error
