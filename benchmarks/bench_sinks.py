"""Records to Kinesis and Firehose against a bare loop of boto3, both to moto; objects of NDJSON to SeaweedFS against what
they are made of."""

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
from isal import isal_zlib

from benchmarks.harness import Bar, Judged, Result, all_bars, compare
from export_pipelines.catalog import Kind
from export_pipelines.definition.stream import FirehoseSettings, KinesisSettings, S3StreamSettings
from export_pipelines.encode.json import JsonEncoder
from export_pipelines.streaming.records import Records
from export_pipelines.streaming.sink import Envelope, Shown, Sink
from export_pipelines.streaming.sinks.open_sink import open_sink
from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import Aws, aws_process
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.encode.tables import column, frame_of, plan_of

RECORDS, OBJECT_ROWS = 30_000, 600_000
BATCH, CALL, LEADS = 10_000, 500, 7_919
AT = datetime(2024, 1, 15, 10, tzinfo=UTC)
ENVELOPE = Envelope("events", 1)
OURS, BARE = "ours", "bare loop of boto3"
COLUMNS = [
    column("event_id"), column("lead_id"), column("type"), column("at", Kind.TIMESTAMP), column("outcome"),
    column("recipient", path=("recipient", "name")), column("revenue", Kind.DECIMAL), column("email"),
    column("domain", path=("email_components", "domain")), column("state"), column("n", Kind.INTEGER),
    column("reason"),
]  # fmt: skip
PLAN = plan_of(COLUMNS, "ndjson")
_NUMBERS = count(1)


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=RECORDS)
    arguments.add_argument("--rows", type=int, default=OBJECT_ROWS)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    judged = []
    with aws_process() as moto:
        rows = list(_rows(options.records))
        gc.freeze()  # rows that only the benchmark keeps are not searched for garbage
        for kind in ("kinesis", "firehose"):
            work = {
                BARE: lambda kind=kind: _bare(moto, kind, rows),
                OURS: lambda kind=kind: _sent(_record_sink(moto, kind), rows),
            }
            title = f"{kind}, {options.records} records"
            judged += compare(title, work, options.runs, {OURS: Bar(BARE, most=1 / 0.9)}, ())
    rows = list(_rows(options.rows))
    gc.freeze()
    made: dict[str, Callable[[], Result]] = {
        "encoder and gzip alone": lambda: _encoded(rows),
        OURS: lambda: _sent(_object_sink(), rows),
    }
    judged += compare(f"s3, {options.rows} rows as ndjson.gz", made, options.runs, {}, ())
    return judged


def _rows(number: int) -> Iterator[Shown]:
    """Events of 12 fields in batches."""
    chance = random.Random(1)
    for first in range(0, number, BATCH):
        rows = [_row(n, chance) for n in range(first, min(first + BATCH, number))]
        ids = pl.Series([row[0] for row in rows])
        yield Shown(frame_of(COLUMNS, rows), ids, first, AT)


def _row(n: int, chance: random.Random) -> tuple[Any, ...]:
    mark = chance.randbytes(32).hex()
    return (
        mark[:24], f"{n % LEADS:024x}", "delivery", AT, "success", f"buyer {n % 40}", f"{n % 9000 / 100:.2f}",
        mark, "example.com", ("CA", "NY", "TX")[n % 3], n, None,
    )  # fmt: skip


def _bare(moto: Aws, kind: str, rows: Sequence[Shown]) -> Result:
    """The same records, made before the clock runs."""
    records = Records(PLAN, ENVELOPE, "lead_id")
    frames = [records.frame(batch) for batch in rows]
    keys = [key for frame in frames for key in frame["key"].to_list()]
    data = [text for frame in frames for text in frame["text"].cast(pl.Binary).to_list()]
    client, name = moto.client(kind), _new(moto, kind)
    gc.collect()
    began = time.perf_counter()
    for start in range(0, len(data), CALL):
        part = slice(start, start + CALL)
        if kind == "kinesis":
            call = [{"Data": d, "PartitionKey": k} for d, k in zip(data[part], keys[part], strict=True)]
            assert client.put_records(StreamName=name, Records=call)["FailedRecordCount"] == 0
        else:
            lines = [{"Data": d + b"\n"} for d in data[part]]
            assert client.put_record_batch(DeliveryStreamName=name, Records=lines)["FailedPutCount"] == 0
    return Result(time.perf_counter() - began, bytes=sum(map(len, data)))


def _new(moto: Aws, kind: str) -> str:
    name = f"bench-{kind}-{next(_NUMBERS)}"
    return moto.new_stream(name, 4) if kind == "kinesis" else moto.new_delivery_stream(name)


def _record_sink(moto: Aws, kind: str) -> Sink:
    reached = {
        "stream": _new(moto, kind),
        "endpoint_url": moto.url,
        "region": aws.REGION,
        "access_key": {"env": "AWS_KEY"},
        "secret_key": {"env": "AWS_SECRET"},
    }
    if kind == "kinesis":
        return _opened(KinesisSettings.model_validate({**reached, "partition_key": "lead_id"}))
    return _opened(FirehoseSettings.model_validate(reached))


def _object_sink() -> Sink:
    server, own = s3.own_bucket()
    reached = {
        "bucket": own.name,
        "endpoint_url": server.endpoint_url,
        "access_key": {"env": "S3_KEY"},
        "secret_key": {"env": "S3_SECRET"},
    }
    return _opened(S3StreamSettings.model_validate(reached))


def _opened(settings: Any) -> Sink:
    secrets = {"AWS_KEY": aws.KEY, "AWS_SECRET": aws.SECRET, "S3_KEY": s3.KEY, "S3_SECRET": s3.SECRET}
    return open_sink(PLAN, settings, ENVELOPE, Desk(Path(tempfile.gettempdir()), secrets).resources)


def _sent(sink: Sink, rows: Sequence[Shown]) -> Result:
    sink.check()
    gc.collect()
    began, size = time.perf_counter(), 0
    for batch in rows:
        sink.add(batch)
        if sink.is_full:
            size += sink.commit(lambda _: None).bytes
    size += sink.commit(lambda _: None).bytes
    seconds = time.perf_counter() - began
    sink.close()
    return Result(seconds, bytes=size)


def _encoded(rows: Sequence[Shown]) -> Result:
    """Without envelope and bucket."""
    encoder, deflater, size = (
        JsonEncoder(False, PLAN.masking.columns, {}),
        isal_zlib.compressobj(2, wbits=31),
        0,
    )
    began = time.perf_counter()
    for batch in rows:
        size += len(deflater.compress(encoder.encode(batch.frame, first=False)))
    return Result(time.perf_counter() - began, bytes=size + len(deflater.flush()))


if __name__ == "__main__":
    all_bars(main())
