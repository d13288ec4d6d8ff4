"""A project with one stream over a PostgreSQL of its own, and what has arrived at its sink."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines.s3 import Bucket
from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import Aws
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.streaming.horizons.databases import Database, id_of

FIELDS = "[event_id, lead_id, event_type, occurred_at, outcome, recipient.name, revenue, lead.email, lead.first_name]"
CATALOG = "extends: shipped\ndatasets: {events: {stream: {transaction: written_by}}}\n"
TRANSACTION = (
    "ALTER TABLE events ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX ON events (written_by)",
)
BY_SLOT = "extends: shipped\ndatasets: {events: {stream: {publication: exports}}}\n"
PUBLICATION = ("CREATE PUBLICATION exports FOR TABLE events (event_id) WITH (publish = 'insert')",)
NAME = "live"
PROGRAM = "export_pipelines.cli.app"
OF_THIS_PROCESS = ("DAGSTER_HOME", "_RJEM_MALLOC_CONF")  # the second is set by Polars, when it is imported
EMAIL, FIRST_NAME = "Ada.Lovelace@example.com", "Ada"


@dataclass
class Live:
    """The project in `folder`; `sink` is the text of its sink's settings, `catalog` says how new rows are told."""

    folder: Path
    database: Database
    sink: str
    aws: Aws | None = None
    stream: str = ""
    bucket: Bucket | None = None
    environment: dict[str, str] = field(default_factory=dict)
    catalog: str = CATALOG

    def make(self) -> "Live":
        (self.folder / "exports").mkdir(parents=True)
        self.environment |= {
            f"{PREFIX}HOME": str(self.folder / "home"),
            f"{PREFIX}SOURCE_URL": self.database.url,
            f"{PREFIX}CATALOG": str(self.folder / "catalog.yaml"),
            f"{PREFIX}HASH_KEY": "k" * 40,
            "AWS_KEY": aws.KEY,
            "AWS_SECRET": aws.SECRET,
            "S3_KEY": s3.KEY,
            "S3_SECRET": s3.SECRET,
        }
        (self.folder / "catalog.yaml").write_text(self.catalog, encoding="utf-8")
        self.write()
        return self

    def write(self, fields: str = FIELDS, more: str = "", start: str = "beginning") -> None:
        """The file of the stream."""
        text = (
            f"type: event\nfields: {fields}\nprivacy: {{email: hash, first_name: redact}}\n{more}"
            f"stream:\n  from: {start}\n  {self.sink}\n"
        )
        (self.folder / "exports" / f"{NAME}.yaml").write_text(text, encoding="utf-8")

    @property
    def project(self) -> Project:
        return Project.open(self.folder, dict(self.environment))

    def insert(self, first: int, count: int, moment: datetime | None = None, **more: Any) -> list[str]:
        """So many events in one transaction, from a number on; their ids."""
        ids = [id_of(number) for number in range(first, first + count)]
        with closing(self.database.connect()) as connection:
            cursor = connection.cursor()
            for id in ids:
                self.database.insert(cursor, id, moment, **more)
            connection.commit()
        return ids

    def begin(self, *arguments: str) -> Process:
        """The command in a process of its own, whose output is read by who waits for it."""
        return Process(["-m", PROGRAM, "stream", *arguments], self.folder, self._whole_environment)

    def begin_anew(self, *arguments: str) -> "subprocess.Popen[str]":
        """The same in a new interpreter, which has no library yet."""
        return subprocess.Popen(
            [sys.executable, "-m", PROGRAM, "stream", *arguments],
            cwd=self.folder,
            env=self._whole_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def _whole_environment(self) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if name not in OF_THIS_PROCESS}
        return outer | self.environment

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code and what was said."""
        process = self.begin(*arguments)
        out, said = process.communicate(timeout=900)
        return process.wait(), out, said

    def records(self) -> list[dict[str, Any]]:
        """Every record at the sink, in the order of sequences."""
        records = [json.loads(line) for text in self.texts() for line in text.splitlines()]
        return sorted(records, key=lambda record: record["sequence"])

    def texts(self) -> Sequence[bytes]:
        """What lies at the sink, object by object or record by record."""
        if self.aws is not None:
            return [data for _, data in self.aws.records(self.stream)]
        assert self.bucket is not None
        keys = [stored.key for stored in self.bucket.list("") if stored.key.endswith(".gz")]
        return [gzip.decompress(self.bucket.read(key) or b"") for key in keys]
