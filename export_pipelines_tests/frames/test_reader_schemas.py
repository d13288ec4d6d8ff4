"""Schemas of artifacts for readers: real values of real artifacts, in every format, are what they say."""

import base64
import io
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import frictionless
import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Format
from export_pipelines.frames import read_artifact
from export_pipelines.frames.reader_schemas import READER_SCHEMAS, arrow_schema_of
from export_pipelines.mask.keys import Keys
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.encode.tables import column
from export_pipelines_tests.recipes.odd_tables import artifact_of
from export_pipelines_tests.run.whole_run import NOW, plan_of, sample_url, token

LEADS = 300
DELIMITED: tuple[dict[str, Any], ...] = (
    {},
    {"null_marker": "NULL"},
    {"header": "labels"},
    {"quote": "all"},
    {"quote": "text", "delimiter": ";", "line_ending": "crlf", "bom": True},
)
TABLES = [("csv", options) for options in DELIMITED] + [("tsv", {}), ("tsv", {"null_marker": "-"})]
CHECKER = jsonschema.FormatChecker()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = sample_url(tmp_path_factory.mktemp("source"), LEADS, events=True)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "UPDATE leads SET comments = 'a\"b' || char(10) || ',;' || char(9) || 'é' WHERE rowid % 7 = 0"
        )
        connection.execute("UPDATE leads SET comments = NULL WHERE rowid % 7 = 1")
    return url


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def written(
    url: str, store: Store, format: str, options: dict[str, Any] | None = None, **more: Any
) -> Manifest:
    """Every field of a dataset, in parts of 100 rows."""
    form = Format(name=format, options=options or {})
    plan = plan_of(**{"fields": "all", "format": form, "split": Split(rows=100), **more})
    return run_export(plan, RunContext(open_source(url), store, Keys(), lambda: NOW), token(1))


def files_of(manifest: Manifest, store: Store) -> list[bytes]:
    files = []
    for part in manifest.parts:
        with store.open(manifest.artifact, part.name) as file:
            files.append(file.read())
    return files


def rows_in(manifest: Manifest, store: Store) -> list[Any]:
    return [row for file in files_of(manifest, store) for row in rows_of(manifest, file)]


def rows_of(manifest: Manifest, file: bytes) -> list[Any]:
    if manifest.format == "json":
        return list(json.loads(file, parse_float=Decimal))
    return [json.loads(line, parse_float=Decimal) for line in file.decode().split("\n") if line]


@pytest.mark.parametrize("type", ["lead", "event"])
@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_each_row_of_the_json_formats_is_valid_and_another_is_not(
    url: str, store: Store, format: str, type: str
) -> None:
    manifest = written(url, store, format, type=type)
    schema = READER_SCHEMAS["json-schema"](manifest)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=CHECKER)
    rows = rows_in(manifest, store)
    assert len(rows) == manifest.rows >= LEADS
    assert [list(validator.iter_errors(row)) for row in rows] == [[]] * len(rows)
    row = rows[0]
    time = "submitted_at" if type == "lead" else "occurred_at"
    for wrong in ({**row, "more": 1}, {k: v for k, v in row.items() if k != time}, {**row, time: 7}):
        assert not validator.is_valid(wrong)


def table(manifest: Manifest, file: bytes, tmp_path: Path) -> frictionless.Resource:
    """A part as the package frictionless reads it by the schema, and by the dialect of the export; rows of JSON as they are
    read from it."""
    schema = frictionless.Schema.from_descriptor(READER_SCHEMAS["frictionless"](manifest))
    if manifest.format in ("json", "ndjson"):
        return frictionless.Resource(data=rows_of(manifest, file), schema=schema)
    options = manifest.options
    path = tmp_path / f"part.{manifest.format}"
    path.write_bytes(file)
    control = CsvControl(delimiter=str(options.get("delimiter", "\t" if manifest.format == "tsv" else ",")))
    is_text = manifest.format in ("csv", "tsv")
    return frictionless.Resource(
        path=path.name,
        basepath=str(tmp_path),
        format="csv" if is_text else manifest.format,
        encoding="utf-8-sig" if options.get("bom") else "utf-8",
        schema=schema,
        dialect=frictionless.Dialect(controls=[control] if is_text else []),
    )


# a row of a sheet ends with its last value, so nulls at its end are no cells
CHECKLIST = frictionless.Checklist(skip_errors=["missing-cell"])


@pytest.mark.parametrize(("format", "options"), [*TABLES, ("json", {}), ("ndjson", {}), ("xlsx", {})])
def test_each_cell_is_valid_by_the_table_schema(
    url: str, store: Store, tmp_path: Path, format: str, options: dict[str, Any]
) -> None:
    manifest = written(url, store, format, options)
    for part, file in zip(manifest.parts, files_of(manifest, store), strict=True):
        report = table(manifest, file, tmp_path).validate(CHECKLIST if format == "xlsx" else None)
        assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])[:3]
        assert report.tasks[0].stats["rows"] == part.rows


def test_a_header_that_a_spreadsheet_would_run_is_named_as_it_is_written(tmp_path: Path) -> None:
    columns = [column("a", header="=a"), column("b", header="b")]
    manifest = artifact_of(tmp_path, "csv", "none", {"spreadsheet_safe": True}, columns, [("x", "y")])
    (part,) = manifest.parts
    assert table(manifest, (tmp_path / part.name).read_bytes(), tmp_path).validate().valid


def test_a_cell_of_another_type_is_not_valid(url: str, store: Store, tmp_path: Path) -> None:
    manifest = written(url, store, "csv", fields=("lead_id", "price", "submitted_at"))
    file = files_of(manifest, store)[0]
    for old, new in ((b"Z\n", b"\n"), (b",", b",x")):
        head, _, body = file.partition(b"\n")
        report = table(manifest, head + b"\n" + body.replace(old, new, 1), tmp_path).validate()
        assert not report.valid


def test_null_and_the_empty_text_are_told_apart_by_a_marker(url: str, store: Store, tmp_path: Path) -> None:
    manifest = written(url, store, "csv", {"null_marker": "NULL"}, fields=("lead_id", "comments"))
    resource = table(manifest, files_of(manifest, store)[0], tmp_path)
    assert isinstance(resource, TableResource)
    rows = resource.read_rows()
    expected = read_artifact(manifest, store).head(len(rows))["comments"].to_list()
    assert [row["comments"] for row in rows] == expected and None in expected


@pytest.mark.parametrize("format", ["parquet", "csv", "tsv", "json", "ndjson"])
def test_values_have_the_types_of_the_arrow_schema(url: str, store: Store, format: str) -> None:
    manifest = written(url, store, format)
    answer = READER_SCHEMAS["arrow"](manifest)
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(answer["ipc_base64"])))
    assert schema.equals(arrow_schema_of(manifest), check_metadata=True)
    assert answer["fields"] == {field.name: str(field.type) for field in schema}
    assert read_artifact(manifest, store).to_arrow().cast(schema).num_rows == LEADS
    if format == "parquet":
        for file in files_of(manifest, store):
            assert pq.read_schema(io.BytesIO(file)).equals(schema)


def test_masks_and_classes_stand_in_every_schema(url: str, store: Store) -> None:
    fields = ("lead_id", "email", "price")
    manifest = written(url, store, "csv", fields=fields, privacy={"email": "mask"})
    assert READER_SCHEMAS["json-schema"](manifest)["properties"]["email"]["description"] == "pii direct, mask"
    described = [field.get("description") for field in READER_SCHEMAS["frictionless"](manifest)["fields"]]
    assert described == [None, "pii direct, mask", "2 digits after the point"]
    assert arrow_schema_of(manifest).field("email").metadata == {
        b"id": b"email", b"pii": b"direct", b"mask": b"mask",
    }  # fmt: skip


def test_the_terminal_gives_each_form_of_an_artifact_and_of_a_window(
    terminal: Terminal, project: Project
) -> None:
    assert terminal("run", "daily", "--partition", "2024-01-15").code == 0
    artifact = data(terminal("artifacts", "--json"))[0]["artifact"]
    manifest = open_store(str(project.home / "artifacts")).manifest(artifact)
    for form, schema_of in READER_SCHEMAS.items():
        for name in (artifact, "daily/2024-01-15"):
            assert data(terminal("schema", name, "--as", form)) == schema_of(manifest)
    assert data(terminal("schema", artifact)) == READER_SCHEMAS["json-schema"](manifest)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("daily/2024-01-15", "--as", "avro"), 'did you mean "arrow"'),
        (("daily/2024-01-16", "--as", "arrow"), "export-pipelines artifacts daily"),
        (("daily/2024-01-16/20240116T020000Z-0a1b2c",), "export-pipelines artifacts"),
    ],
)
def test_an_unknown_form_or_artifact_is_one_error(
    terminal: Terminal, arguments: tuple[str, ...], text: str
) -> None:
    assert terminal("run", "daily", "--partition", "2024-01-15").code == 0
    answer = terminal("schema", *arguments)
    assert answer.code == 2 and text in answer.stderr and answer.stderr.count("error:") == 1
