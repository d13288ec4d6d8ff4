"""What was written is read back in its types: the same frame from every format, codec and option."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.errors import DamagedArtifact, RequestError
from export_pipelines.frames import read_artifact, scan_artifacts, schema_of, to_arrow, to_pandas
from export_pipelines.mask.keys import Keys
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.run.whole_run import NOW, plan_of, sample_url, token

EVERY = {"fields": "all", "split": Split()}
FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("csv", {}),
    ("csv", {"null_marker": "\\N"}),
    ("csv", {"quote": "text", "bom": True, "line_ending": "crlf", "delimiter": ";"}),
    ("csv", {"header": "labels"}),
    ("tsv", {}),
    ("tsv", {"escape": "backslash"}),
    ("json", {}),
    ("json", {"pretty": True}),
    ("ndjson", {}),
)
# a codec is taken off before a format is read: each of either once, and what Parquet has of its own
CASES = [
    *((form, options, "none") for form, options in FORMS),
    *((form, {}, codec) for form, codec in (("csv", "gzip"), ("json", "zip"), ("tsv", "zstd"))),
    *(("parquet", {}, codec) for codec in ("none", "gzip", "zstd")),
]
LEADS = 200


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_url(tmp_path_factory.mktemp("source"), LEADS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("store")))


KEYS = Keys.from_bytes(b"h" * 32)


def written(url: str, store: Store, number: int, **changes: Any) -> Manifest:
    plan = plan_of(keys=KEYS.names, contract="free", **changes)
    return run_export(plan, RunContext(open_source(url), store, KEYS, lambda: NOW), token(number))


@pytest.fixture(scope="module")
def parquet(url: str, store: Store) -> Manifest:
    return written(url, store, 0, format=Format(name="parquet"), **EVERY)


def test_parquet_gives_what_pyarrow_reads(parquet: Manifest, store: Store) -> None:
    with store.open(parquet.artifact, parquet.parts[0].name) as file:
        table = pq.read_table(io.BytesIO(file.read()))
    assert read_artifact(parquet, store).to_arrow().to_pylist() == table.to_pylist()


@pytest.mark.parametrize(
    ("number", "form", "options", "codec"), [(n, *case) for n, case in enumerate(CASES, 1)]
)
def test_every_format_gives_the_same_frame(
    number: int, form: str, options: dict[str, Any], codec: str, url: str, store: Store, parquet: Manifest
) -> None:
    manifest = written(
        url,
        store,
        number,
        format=Format(name=form, options=options),
        compression=Compression(codec=codec),
        **EVERY,
    )
    frame = read_artifact(manifest, store)
    assert frame.schema == pl.Schema(schema_of(manifest))
    names = {column.id: column.name for column in manifest.columns}
    shared = [column for column in parquet.columns if column.id in names]
    # an object of JSON holds what tables give columns of their own
    assert len(shared) == len(parquet.columns) or ("json" in form and len(shared) > 30)
    selected = frame.select(names[column.id] for column in shared)
    assert plain(selected) == plain(read_artifact(parquet, store).select(column.name for column in shared))


def plain(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Rows with JSON opened: what stands between its tokens is not its value."""
    return [tuple(opened(cell) for cell in row) for row in frame.rows()]


def opened(cell: Any) -> Any:
    if isinstance(cell, str) and cell[:1] in ("{", "["):
        try:
            return json.loads(cell, parse_float=Decimal)
        except ValueError:
            return cell
    return cell


def test_a_mask_is_a_text_in_every_format(url: str, store: Store) -> None:
    masks = {"dob": "mask", "email": "hash", "phone_1": "mask", "price": "keep"}
    frames = []
    for number, form in enumerate(("parquet", "csv", "tsv", "json", "ndjson"), start=100):
        manifest = written(
            url,
            store,
            number,
            format=Format(name=form),
            fields=("lead_id", "email", "phone_1", "dob", "price"),
            privacy=masks,
        )
        frames.append(read_artifact(manifest, store))
    assert all(frame.equals(frames[0]) for frame in frames)


def test_an_artifact_without_rows_has_its_columns(url: str, store: Store) -> None:
    manifest = written(url, store, 200, day="2024-01-14")
    frame = read_artifact(manifest, store)
    assert (len(frame), frame.columns) == (0, [column.name for column in manifest.columns])


def test_pandas_has_exact_types(parquet: Manifest, store: Store) -> None:
    frame = to_pandas(read_artifact(parquet, store))
    types = {name: str(type) for name, type in frame.dtypes.items()}
    assert types["submitted_at"] == "timestamp[ms, tz=UTC][pyarrow]"
    assert types["price"] == "decimal128(38, 2)[pyarrow]"
    assert "bool[pyarrow]" in types.values()
    assert types["lead_id"] == "large_string[pyarrow]"


def test_arrow_comes_in_batches_of_the_same_rows(url: str, store: Store) -> None:
    manifest = written(url, store, 201, split=Split(rows=60))
    reader = to_arrow(manifest, store)
    sizes = [len(batch) for batch in reader]
    assert len(manifest.parts) == 4 and len(sizes) >= 4
    table = to_arrow(manifest, store).read_all()
    assert pl.DataFrame(table).equals(read_artifact(manifest, store))


def test_a_scan_reads_only_what_is_asked_for(url: str, store: Store, tmp_path: Path) -> None:
    manifest = written(url, store, 202, split=Split(rows=60))
    lazy = scan_artifacts([manifest, manifest], store)
    assert lazy.collect_schema() == pl.Schema(schema_of(manifest))
    frame = read_artifact(manifest, store)
    assert lazy.collect().equals(pl.concat([frame, frame]))
    sold = lazy.filter(pl.col("price") > 20).select("lead_id", "price").head(7).collect()
    assert sold.equals(frame.filter(pl.col("price") > 20).select("lead_id", "price")[:7])
    short = open_store(str(tmp_path))
    lost = written(url, short, 1, split=Split(rows=60))
    (tmp_path / lost.artifact / lost.parts[1].name).unlink()
    assert len(scan_artifacts([lost], short).head(3).collect()) == 3  # the second part was not asked for


def test_columns_of_the_last_artifact_are_those_of_a_scan(url: str, store: Store) -> None:
    old = written(url, store, 203, fields=("lead_id", "price"))
    new = written(url, store, 204, fields=("lead_id", "price", "outcome"))
    frame = scan_artifacts([old, new], store).collect()
    assert frame.columns == ["lead_id", "price", "outcome"]
    assert frame["outcome"].null_count() >= old.rows
    other = new.model_copy(
        update={"columns": (old.columns[0], old.columns[1].model_copy(update={"scale": 4}))}
    )
    with pytest.raises(RequestError, match=r"price is Decimal\(.*2\) there"):
        scan_artifacts([old, other], store)


def test_a_part_that_was_changed_is_not_given_out(url: str, tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    manifest = written(url, store, 1)
    part = tmp_path / manifest.artifact / manifest.parts[0].name
    data = part.read_bytes()
    part.write_bytes(data[:-2] + b"?\n")
    with pytest.raises(DamagedArtifact):
        read_artifact(manifest, store)


def test_a_spreadsheet_is_refused(url: str, store: Store) -> None:
    manifest = written(url, store, 205, format=Format(name="xlsx"))
    with pytest.raises(RequestError, match="a spreadsheet keeps no exact numbers"):
        read_artifact(manifest, store)
