"""`stream:` in an export: one sink, no windows, no files; each fault is one line with what is allowed."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Catalog
from export_pipelines.definition import ExportDefinition, load_definitions
from export_pipelines.definition.stream import FirehoseSettings, KinesisSettings, S3StreamSettings
from export_pipelines.errors import DefinitionError, RequestError

EVENTS = "type: event\nfields: [event_id, lead_id, occurred_at]\n"
KINESIS = "stream: {kinesis: {stream: acme, partition_key: lead_id}}\n"


def load(folder: Path, catalog: Catalog, text: str) -> ExportDefinition:
    (folder / "live.yaml").write_text(text, encoding="utf-8")
    loaded = load_definitions(folder, catalog)
    for error in loaded.broken.values():
        raise error
    assert loaded.definitions == ()
    (definition,) = loaded.streams
    assert loaded.named("live") is definition and loaded.names == {"live"} and loaded.all == (definition,)
    return definition


def test_a_stream_is_no_export_with_an_end(tmp_path: Path, catalog: Catalog) -> None:
    definition = load(tmp_path, catalog, EVENTS + KINESIS)
    assert definition.stream and definition.format.name == "ndjson"
    assert (definition.stream.kind, definition.stream.start, definition.stream.envelope) == (
        "kinesis",
        "now",
        True,
    )
    assert isinstance(definition.stream.sink, KinesisSettings)


def test_each_sink_has_its_settings(tmp_path: Path, catalog: Catalog) -> None:
    firehose = load(tmp_path, catalog, EVENTS + "stream: {firehose: {stream: acme}, from: 2024-01-01}\n")
    assert firehose.stream and isinstance(firehose.stream.sink, FirehoseSettings)
    s3 = load(
        tmp_path,
        catalog,
        EVENTS + "stream: {s3: {bucket: acme-events, every: 5 min, bytes: 1 MB, format: parquet}}\n",
    )
    assert s3.stream and isinstance(s3.stream.sink, S3StreamSettings) and s3.format.name == "parquet"
    assert (s3.stream.sink.every, s3.stream.sink.bytes) == (300.0, 1_000_000)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            EVENTS + KINESIS + "schedule: daily at 02:00\n",
            "live.yaml:4: schedule: a stream runs without an end",
        ),
        (EVENTS + KINESIS + "partition: daily\n", "live.yaml:4: partition: a stream runs without an end"),
        (EVENTS + KINESIS + "sort: [lead_id]\n", "live.yaml:4: sort: a stream runs without an end"),
        (EVENTS + KINESIS + "format: csv\n", "live.yaml:4: format: a stream has the format of its sink"),
        (
            EVENTS + KINESIS + "deliver: [{folder: {path: x}}]\n",
            "live.yaml:4: deliver: a stream has records in a sink, and no files",
        ),
        (
            EVENTS + KINESIS + "filter: {last: 3 days}\n",
            "filter.last: a stream begins where `stream.from` says",
        ),
        ("type: report\nmetrics: [leads]\n" + KINESIS, "live.yaml:3: stream: a report is of a window"),
        (
            EVENTS + "stream: {from: now}\n",
            "live.yaml:3: stream: one sink is expected: kinesis, firehose, s3",
        ),
        (
            EVENTS + "stream: {kinesis: {stream: a, partition_key: lead_id}, firehose: {stream: b}}\n",
            "live.yaml:3: stream: one sink is expected",
        ),
        (
            EVENTS + "stream: {kinesis: {stream: acme, partition_key: leadid}}\n",
            'stream.kinesis.partition_key: there is no field "leadid"',
        ),
        (
            EVENTS + "stream: {kinesis: {stream: 'a b', partition_key: lead_id}}\n",
            "the name of a stream is 1 to 128",
        ),
        (EVENTS + "stream: {firehose: {stream: a}, from: yesterday}\n", "a date is expected"),
        (EVENTS + "stream: {firehose: {stream: a}, settle: 10 years}\n", "write 500 ms, 60 s or 5 min"),
        (
            EVENTS + "stream: {s3: {bucket: acme, key: 'x/{{hour}}'}}\n",
            'a folder of objects is expected: it ends with "/"',
        ),
        (EVENTS + "stream: {s3: {bucket: acme, key: '{{part}}/'}}\n", "part"),
        (EVENTS + "stream: {s3: {bucket: acme, compression: zip}}\n", "none, gzip or zstd"),
        (EVENTS + "stream: {s3: {bucket: acme, key: 'x/{{date}}/'}}\n", "holds {{hour}}"),
        (
            EVENTS + "stream: {firehose: {stream: a, secret_key: {env: KEY}}}\n",
            "access_key and secret_key go together",
        ),
        (EVENTS + "stream: {firehose: {stream: a, endpoint_url: 'http://elsewhere.example'}}\n", "https://"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, catalog: Catalog, text: str, fault: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, catalog, text)
    (line,) = [line for line in str(caught.value).splitlines() if fault in line]
    assert line.count("live.yaml") == 1


def test_a_replay_goes_to_another_place(tmp_path: Path, catalog: Catalog) -> None:
    stream = load(tmp_path, catalog, EVENTS + KINESIS).stream
    assert stream and stream.sent_to("acme-again").sink.reaches() == "acme-again"
    with pytest.raises(RequestError, match="the name of a stream is"):
        stream.sent_to("no stream")


def test_a_replay_of_parquet_keeps_its_settings(tmp_path: Path, catalog: Catalog) -> None:
    text = EVENTS + "stream: {s3: {bucket: acme, format: parquet}, from: 2024-01-01}\n"
    stream = load(tmp_path, catalog, text).stream
    assert stream
    again = stream.sent_to("again/{{date}}/{{hour}}/")
    assert again.sink.reaches() == "acme/again/{{date}}/{{hour}}/" and again.start == stream.start
