"""A store, a file to import and a reject file."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from export_pipelines.importer.import_csv import ImportResult, import_leads
from export_pipelines.importer.mapping import Mapping, Target

MAP = Mapping({"when": Target("submitted_at"), "ref": Target("reference")}, {"flow.name": "Loans"})


class Room:
    """One store, one file to import, one reject file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.store = folder, folder / "in.csv", folder / "leads.db"
        self.reject, self.catalog = folder / "rejects.csv", folder / "catalog.yaml"

    def load(self, content: str | bytes, mapping: Mapping = MAP, **options: Any) -> ImportResult:
        self.file.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = import_leads(self.file, mapping, f"sqlite:///{self.store}", self.reject, **options)
        assert result.records == result.loaded + result.already_there + result.rejected
        return result

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.store)) as connection:
            return connection.execute(query).fetchall()

    def rejects(self) -> list[tuple[int, str, str]]:
        with self.reject.open(newline="", encoding="utf-8") as stream:
            return [(int(line), reason, raw) for line, reason, raw in list(csv.reader(stream))[1:]]
