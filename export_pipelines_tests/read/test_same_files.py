"""The same definition over the same rows gives the same files from every database."""

import hashlib
from datetime import date
from functools import cache
from tempfile import TemporaryDirectory

import pytest

from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.mask.keys import Keys
from export_pipelines.read.open_source import open_source
from export_pipelines.run.write_parts import write_parts
from export_pipelines.sample import generate_leads
from export_pipelines_tests.encode.tables import MemoryStore
from export_pipelines_tests.read.databases import Database
from export_pipelines_tests.run.whole_run import plan_of


@pytest.mark.parametrize("type", ["lead", "event"])
def test_the_same_definition_gives_the_same_bytes_as_sqlite(database: Database, type: str) -> None:
    sums = sums_of(database.dialect, database.url, type)
    assert sums == sums_of_sqlite(type) and all(len(parts) >= 3 for parts in sums.values())


@cache
def sums_of_sqlite(type: str) -> dict[str, list[str]]:
    with TemporaryDirectory() as folder:
        return sums_of("sqlite", f"sqlite:///{folder}/leads.db", type)


def sums_of(dialect: str, url: str, type: str) -> dict[str, list[str]]:
    """Of the parts of each format."""
    sums = {}
    generate_leads(url, 120, 7, date(2024, 1, 15), 1, replace=True, events=type == "event")
    for form in ("csv", "json", "parquet"):
        plan = plan_of(
            dialect=dialect, type=type, format=Format(name=form), fields="all", split=Split(rows=50),
            compression=Compression(codec="gzip"), deliver=(FolderSettings(path="x"),),
        )  # fmt: skip
        store = MemoryStore()
        write_parts(plan, open_source(url).read(plan.query), store.open_part, Keys())
        sums[form] = [hashlib.sha256(data).hexdigest() for data in store.parts.values()]
    return sums
