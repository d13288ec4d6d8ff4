"""A stream against the other keys of its export: it has neither windows nor files."""

from collections.abc import Iterator, Mapping
from typing import Any

from export_pipelines.catalog import Dataset
from export_pipelines.definition.stream import KinesisSettings
from export_pipelines.definition.written import WrittenExport
from export_pipelines.yaml.lines import Key

Faults = Iterator[tuple[Key, str]]
FORMAT = "ndjson"  # of the records, unless the sink says another
OF_WINDOWS = ("partition", "schedule", "start", "quiet_hours", "sort", "mode")
OF_FILES = (
    "compression",
    "split",
    "naming",
    "skip_empty",
    "deliver",
    "retention",
    "limits",
    "recipes",
    "contract",
    "version",
)


def with_format(data: Any) -> Any:
    """The keys of a file with the format of a stream's sink, which stands in no key of its own."""
    if not isinstance(data, Mapping) or not isinstance(data.get("stream"), Mapping) or "format" in data:
        return data
    sink = data["stream"].get("s3")
    format = sink.get("format") if isinstance(sink, Mapping) else None
    return {**data, "format": "parquet" if format == "parquet" else FORMAT}


def format_fault(data: Mapping[str, Any]) -> Faults:
    """A format beside a stream."""
    if "stream" in data and "format" in data:
        yield ("format",), "format: a stream has the format of its sink; leave it out, or take out stream"


def stream_faults(written: WrittenExport, dataset: Dataset) -> Faults:
    """Every fault of `stream` beside the other keys of the file."""
    stream, keys = written.stream, written.model_fields_set
    if stream is None:
        return
    if written.type == "report":
        yield (
            ("stream",),
            "stream: a report is of a window, and a stream has none; allowed: type: lead or event",
        )
    for key in OF_WINDOWS:
        if key in keys:
            yield (key,), f"{key}: a stream runs without an end, in the order of its rows; leave it out"
    for key in OF_FILES:
        if key in keys:
            yield (
                (key,),
                f"{key}: a stream has records in a sink, and no files; leave it out, or take out stream",
            )
    if written.filter.last:
        yield ("filter", "last"), "filter.last: a stream begins where `stream.from` says; leave it out"
    if isinstance(stream.sink, KinesisSettings) and dataset.get(stream.sink.partition_key) is None:
        yield (
            ("stream", "kinesis", "partition_key"),
            f'stream.kinesis.partition_key: there is no field "{stream.sink.partition_key}" '
            f"(export-pipelines fields {dataset.name} lists them)",
        )
