"""An export over several connections writes the files that one connection gives."""

from pathlib import Path

import psycopg
import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import open_store
from export_pipelines.definition.output import Compression, Format
from export_pipelines.lead_store.store import create_store
from export_pipelines.mask.keys import Keys
from export_pipelines.read import postgresql_ranges
from export_pipelines.read.open_source import open_source
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.run.whole_run import NOW, plan_of, token

ROWS = 20_000
FORMATS = ("csv", "json", "ndjson", "parquet", "tsv")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_ranges, "LEAST_ROWS", 2000)
    monkeypatch.setattr(postgresql_ranges, "PIECE_BYTES", 300_000)


@pytest.fixture(scope="module")
def url(postgresql_url: str) -> str:
    """Of a store of leads of one day, three at each moment."""
    url = new_database(postgresql_url, "filled")
    create_store(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO leads (lead_id, submitted_at, email, comments, price, outcome) SELECT lpad(to_hex(n), 24, '0'),"
            " timestamptz '2024-01-15' + (n / 3) * interval '1 s', n || '@example.com', repeat('call ', n % 40), n % 90, 'success'"
            f" FROM generate_series(1, {ROWS}) n"
        )
        connection.commit()
        connection.execute("ANALYZE leads")
    return url


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_the_same_byte_for_byte(url: str, tmp_path: Path, form: str) -> None:
    plan = plan_of(
        dialect="postgresql", format=Format(name=form), compression=Compression(codec="gzip"), contract="free"
    )
    store = open_store(str(tmp_path / "store"))
    manifests = [
        run_export(plan, RunContext(open_source(url, number), store, Keys(), lambda: NOW), token(number))
        for number in (1, 4)
    ]
    assert open_source(url, 4).cut(plan.query).ranges
    serial, shared = [
        [(part.name, part.rows, part.sha256) for part in manifest.parts] for manifest in manifests
    ]
    assert shared == serial
    assert manifests[0].rows == ROWS
