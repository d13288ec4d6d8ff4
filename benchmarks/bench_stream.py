"""A stream over PostgreSQL: catching up into a bucket, how late records arrive at Kinesis while others write, and what idling costs."""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import psutil

from benchmarks.harness import Judged, all_bars
from export_pipelines.ledger import Streams, StreamState
from export_pipelines.project_streams import run_stream
from export_pipelines.streaming.runner import Runner
from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import aws_server
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_tests.streaming.horizons.databases import LEAD, RECIPIENT, Postgresql, id_of
from export_pipelines_tests.streaming.live import BY_SLOT, CATALOG, NAME, PUBLICATION, TRANSACTION, Live

ROWS, SECONDS, RATE, IDLE_S, PATIENCE_S = 600_000, 30.0, 500, 20.0, 30.0
TABLE = "stream"
FIELDS = (
    "[event_id, lead_id, event_type, occurred_at, outcome, reason, recipient.name, revenue, cost, ms, lead.email, "
    "lead.first_name]"
)
FILL = f"""
INSERT INTO events (event_id, lead_id, event_type, outcome, occurred_at, recipient_id, sale_price, ms, host, lead)
SELECT lpad(to_hex(n), 24, '0'), '{LEAD}', 'recipient.delivered', 'success', timestamptz '2024-01-01' + n * interval '1 second',
       '{RECIPIENT}', 12.50, 7, 'h1',
       json_build_object('email', 'ada' || n || '@example.com', 'first_name', 'Ada', 'comments', 'call me at 512 555 ' || n)
FROM generate_series(1, {{rows}}) n
"""


class Way(NamedTuple):
    """In which new rows are told: by what the catalog says, and how late they may be at the sink."""

    name: str
    catalog: str
    late_s: float


WAYS = (Way("snapshots", CATALOG, 1.0), Way("slot", BY_SLOT, 2.0))


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=ROWS)
    arguments.add_argument("--seconds", type=float, default=SECONDS)
    given = arguments.parse_args()
    judged = []
    with tempfile.TemporaryDirectory() as name, postgresql("wal_level=logical") as url:
        database = Postgresql(url)
        database.make(*TRANSACTION, *PUBLICATION, FILL.format(rows=given.rows))
        judged += _catch_up(Path(name) / "s3", database, given.rows)
        with aws_server() as moto:
            for way in WAYS:
                folder = Path(name) / way.name
                judged += _lateness(folder, database, moto, given.seconds, way)
                judged += _idle(folder, database, moto, way)
    return judged


def _catch_up(folder: Path, database: Postgresql, rows: int) -> list[Judged]:
    with s3.s3_server(folder / "server") as server:
        bucket = server.bucket("events")
        sink = (
            f"s3: {{bucket: {bucket.name}, endpoint_url: 'http://127.0.0.1:{server.port}', access_key: {{env: S3_KEY}}, "
            "secret_key: {env: S3_SECRET}}"
        )
        live = Live(folder / "project", database, sink, bucket=bucket).make()
        live.write(FIELDS)
        assert _state(live).cursor is None  # the ledger is made before, since a stream finds its own there
        began = time.perf_counter()
        process = live.begin_anew(NAME, "--until-caught-up")
        peak, cpu = _watched(process.pid, lambda: process.poll() is not None)
        seconds = time.perf_counter() - began
        process.communicate()
    rate = rows / seconds
    return [
        _judged(
            "catch up to S3", ">= 60,000 rows/s", f"{rate:,.0f} rows/s, {cpu:.1f} s of CPU", rate >= 60_000
        ),
        _judged("catch up to S3, memory", "<= 250 MB", f"{peak:.0f} MB", peak <= 250),
    ]


def _lateness(folder: Path, database: Postgresql, moto: aws.Aws, seconds: float, way: Way) -> list[Judged]:
    """From commit to the sink's answer, at RATE events a second in transactions of five."""
    live = _to_kinesis(folder, database, moto, f"late-{way.name}", way)
    committed: dict[str, float] = {}
    arrived: dict[str, float] = {}
    runners: list[Runner] = []
    thread = threading.Thread(target=lambda: run_stream(live.project, NAME, begun=runners.append))
    with _noting(arrived):
        thread.start()
        while not _has_begun(live):
            time.sleep(0.1)
        _write(database, seconds, committed)
        until = time.monotonic() + PATIENCE_S
        while len(arrived) < len(committed) and time.monotonic() < until:
            time.sleep(0.1)
        runners[0].stop.set()
        thread.join()
    late = [arrived[id] - at for id, at in committed.items() if id in arrived]
    assert len(late) == len(committed), (len(late), len(committed))
    p50, p95 = quantiles(late, n=20)[9], quantiles(late, n=20)[18]
    figures = f"p50 {p50:.2f} s, p95 {p95:.2f} s, longest {max(late):.2f} s of {len(late):,}"
    work, bar = f"{RATE} events/s to Kinesis, {way.name}", f"p95 <= {way.late_s} s"
    return [_judged(work, bar, figures, p95 <= way.late_s)]


def _idle(folder: Path, database: Postgresql, moto: aws.Aws, way: Way) -> list[Judged]:
    live = _to_kinesis(folder / "idle", database, moto, f"idle-{way.name}", way)
    process = live.begin_anew(NAME)
    while not _has_begun(live):
        time.sleep(0.2)
    time.sleep(5)
    own = psutil.Process(process.pid)
    before = sum(own.cpu_times()[:2])
    time.sleep(IDLE_S)
    share = (sum(own.cpu_times()[:2]) - before) / IDLE_S
    memory = own.memory_info().rss / 1e6
    process.terminate()
    process.communicate()
    return [_judged(f"idle, {way.name}", "<= 2 % of a core", f"{share:.1%}, {memory:.0f} MB", share <= 0.02)]


def _state(live: Live) -> StreamState:
    ledger = live.project.ledger
    return Streams(ledger.engine, ledger.locks).state(NAME)


def _has_begun(live: Live) -> bool:
    """Whether what is committed from now on is new: a replication slot is made after its name is stored."""
    cursor = _state(live).cursor
    return cursor is not None and "start" not in cursor["position"]


def _to_kinesis(folder: Path, database: Postgresql, moto: aws.Aws, name: str, way: Way) -> Live:
    stream = moto.new_stream(name)
    sink = (
        f"kinesis: {{stream: {stream}, partition_key: event_id, endpoint_url: '{moto.url}', region: {aws.REGION}, "
        "access_key: {env: AWS_KEY}, secret_key: {env: AWS_SECRET}}"
    )
    live = Live(folder / "project", database, sink, aws=moto, stream=stream, catalog=way.catalog).make()
    live.write(FIELDS, start="now")
    return live


def _write(database: Postgresql, seconds: float, committed: dict[str, float]) -> None:
    number, began = time.monotonic_ns(), time.monotonic()
    with closing(database.connect()) as connection:
        while (passed := time.monotonic() - began) < seconds:
            if len(committed) >= passed * RATE:
                time.sleep(0.002)
                continue
            ids = [id_of(number + n) for n in range(5)]
            number += 5
            cursor = connection.cursor()
            for id in ids:
                database.insert(cursor, id, datetime.now(UTC))
            connection.commit()
            committed |= dict.fromkeys(ids, time.monotonic())


@contextmanager
def _noting(arrived: dict[str, float]) -> Iterator[None]:
    """Notes when each record was answered for."""
    from export_pipelines.streaming.sinks.record_sink import RecordSink

    commit = RecordSink.commit

    def noted(self: RecordSink, intend: Any) -> Any:
        ids = list(self._batch.ids)
        sent = commit(self, intend)
        arrived.update(dict.fromkeys(ids, time.monotonic()))
        return sent

    RecordSink.commit = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        RecordSink.commit = commit  # type: ignore[method-assign]


def _watched(pid: int, is_over: Any) -> tuple[float, float]:
    """The peak of its memory in MB and its seconds of CPU."""
    own, peak, cpu = psutil.Process(pid), 0.0, 0.0
    while not is_over():
        try:
            peak, cpu = max(peak, own.memory_info().rss / 1e6), sum(own.cpu_times()[:2])
        except psutil.Error:
            break
        time.sleep(0.05)
    return peak, cpu


def _judged(work: str, bar: str, figures: str, met: bool) -> Judged:
    return Judged(TABLE, work, bar, figures, "met" if met else "missed")


if __name__ == "__main__":
    all_bars(main())
