"""Objects of a stream: places, formats, sizes; attempts at one sequence of which one succeeds; manifests."""

import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard

from export_pipelines.definition.stream import S3StreamSettings
from export_pipelines.errors import ExportError, FatalError, RequestError, RetryableError
from export_pipelines.s3 import Access, Bucket
from export_pipelines.streaming.sink import Intention, Sent
from export_pipelines.streaming.sinks.s3 import S3Sink
from export_pipelines_servers.fault_proxy import fault_proxy
from export_pipelines_servers.s3 import READER_KEY, READER_SECRET, own_bucket
from export_pipelines_tests.streaming.sinks.places import Place
from export_pipelines_tests.streaming.sinks.samples import AT, BARE, ENVELOPE, lead_rows, shown, table

FIRST_KEY = "events/2024-01-15/10/events-0000000000000000.ndjson.gz"
LATER = AT + timedelta(hours=3)


def sink_of(place: Place, **settings: Any) -> S3Sink:
    sink = place.sink(**settings)
    assert isinstance(sink, S3Sink)
    return sink


def rows_of(number: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [(f"lead-{n}", n, None, "x") for n in range(first, first + number)]


def commit(
    sink: S3Sink, rows: int, first: int = 0, at: datetime = AT, store: list[Intention] | None = None
) -> Sent:
    sink.add(shown(rows_of(rows, first), first, at))
    return sink.commit((store if store is not None else []).append)


def keys(bucket: Bucket) -> list[str]:
    return sorted(stored.key for stored in bucket.list(""))


def intended(place: Place, rows: int, at: datetime = AT) -> Intention:
    """The intention of a process that was killed before it sent anything."""
    store = list[Intention]()

    def stored_and_killed(intention: Intention) -> None:
        store.append(intention)
        raise KeyboardInterrupt

    sink = sink_of(place)
    sink.add(shown(rows_of(rows), 0, at))
    with pytest.raises(KeyboardInterrupt):
        sink.commit(stored_and_killed)
    return store[0]


def arrive(place: Place, intention: Intention, at: datetime = AT) -> None:
    """The object of an intention gets there, whoever sent it."""
    other = sink_of(place)
    store = list[Intention]()
    commit(other, intention["rows"], 0, at, store)
    assert store == [intention]


def test_an_object_is_named_by_hour_in_utc_and_first_sequence(place: Place, bucket: Bucket) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    at = datetime(2024, 3, 1, 4, 45, tzinfo=zone)
    sink = sink_of(place, key="{{export}}/{{year}}/{{month}}/{{day}}/{{hour}}/{{date}}/")
    sent = commit(sink, 3, 1234567, at)
    assert sent.place == "events/2024/02/29/23/2024-02-29/events-0000000001234567.ndjson.gz"
    assert keys(bucket) == [sent.place]


def test_the_hour_is_that_of_the_first_rows(place: Place) -> None:
    sink = sink_of(place)
    sink.add(shown(rows_of(2), 0, AT))
    sink.add(shown(rows_of(2, 2), 2, LATER))
    assert sink.commit(lambda _: None).place == FIRST_KEY


def test_an_object_says_its_sha256_and_is_counted(place: Place, bucket: Bucket) -> None:
    sent = commit(sink_of(place), 1000)
    data, stored = bucket.read(FIRST_KEY) or b"", bucket.head(FIRST_KEY)
    assert stored is not None
    assert sent == Sent(1000, len(data), place=FIRST_KEY, sha256=hashlib.sha256(data).hexdigest())
    assert stored.sha256 == sent.sha256
    lines = gzip.decompress(data).splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(1000))


def test_the_intention_is_stored_before_anything_is_put(place: Place, bucket: Bucket) -> None:
    seen = list[tuple[Intention, list[str]]]()
    sink = sink_of(place)
    sink.add(shown(rows_of(5), 70))
    sent = sink.commit(lambda intention: seen.append((intention, keys(bucket))))
    ((intention, before),) = seen
    assert before == []
    assert intention == {
        "key": sent.place, "sha256": sent.sha256, "rows": 5, "bytes": sent.bytes, "first": 70, "last": 74,
    }  # fmt: skip
    assert json.loads(json.dumps(intention)) == intention


@pytest.mark.parametrize("compression", ["none", "gzip", {"gzip": 9}, "zstd", {"zstd": 19}])
def test_lines_are_those_of_the_records_in_every_codec(
    place: Place, bucket: Bucket, compression: Any
) -> None:
    sink = sink_of(place, compression=compression)
    sent = commit(sink, 1500)
    data = bucket.read(str(sent.place)) or b""
    name = next(iter(compression)) if isinstance(compression, dict) else compression
    read: dict[str, Callable[[bytes], bytes]] = {
        "none": bytes,
        "gzip": gzip.decompress,
        "zstd": lambda whole: zstandard.ZstdDecompressor().decompressobj().decompress(whole),
    }
    assert [json.loads(line)["data"]["n"] for line in read[name](data).splitlines()] == list(range(1500))
    assert str(sent.place).endswith({"none": ".ndjson", "gzip": ".ndjson.gz", "zstd": ".ndjson.zst"}[name])


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_parquet_holds_the_columns(place: Place, bucket: Bucket, tmp_path: Path, compression: str) -> None:
    folder = tmp_path / "leads"
    folder.mkdir()
    plan, rows, _ = lead_rows(folder)
    sink = place.sink(plan, BARE, format="parquet", compression=compression)
    sink.add(rows)
    sent = sink.commit(lambda _: None)
    assert str(sent.place).endswith("events-0000000000000000.parquet")
    table = pq.read_table(io.BytesIO(bucket.read(str(sent.place)) or b""))
    assert table.num_rows == len(rows.frame) == sent.rows
    assert pl.DataFrame(table)["email"].to_list() == rows.frame["email"].to_list()


def test_an_object_is_full_at_its_finished_size(place: Place, bucket: Bucket) -> None:
    chance = random.Random(1)
    texts = [chance.randbytes(500).hex() for _ in range(3000)]
    sink, size = sink_of(place, bytes=1_000_000), 0
    for first in range(0, 3000, 100):
        assert not sink.is_full
        sink.add(shown([("lead", n, None, texts[n]) for n in range(first, first + 100)], first))
        if sink.is_full:
            size = sink.commit(lambda _: None).bytes
            break
    assert 1_000_000 <= size < 1_200_000
    assert not sink.is_full and len(bucket.read(FIRST_KEY) or b"") == size


def test_a_large_object_is_uploaded_in_pieces(place: Place, bucket: Bucket) -> None:
    chance = random.Random(1)
    rows = [("lead", n, None, chance.randbytes(20_000).hex()) for n in range(500)]
    sink = sink_of(place, compression="none")
    sink.add(shown(rows))
    sent = sink.commit(lambda _: None)
    assert sent.bytes > 16 << 20
    assert bucket.digest(str(sent.place)) == sent.sha256


def test_nothing_is_resolved_where_nothing_arrived(place: Place) -> None:
    sink = sink_of(place)
    assert sink.resolve([]) is None
    assert sink.resolve([intended(place, 5)]) is None


def test_the_attempt_that_arrived_is_resolved_whatever_others_were_made(place: Place) -> None:
    attempts = [intended(place, 5), intended(place, 9), intended(place, 7)]
    arrive(place, attempts[1])
    assert sink_of(place).resolve(attempts) == attempts[1]


def test_a_later_attempt_goes_to_the_key_of_the_first(place: Place, bucket: Bucket) -> None:
    attempts = [intended(place, 5)]
    sink = sink_of(place)
    assert sink.resolve(attempts) is None
    assert commit(sink, 8, 0, LATER, attempts).place == FIRST_KEY
    assert keys(bucket) == [FIRST_KEY]
    assert "/13/" in str(commit(sink, 8, 8, LATER).place)


def test_a_failed_commit_is_tried_again_under_its_key(place: Place, bucket: Bucket) -> None:
    with fault_proxy(own_bucket()[0].port) as proxy:
        sink = sink_of(place, endpoint_url=f"http://127.0.0.1:{proxy.port}")
        proxy.fault.kind, proxy.fault.times = "refuse", 99
        with pytest.raises(RetryableError):
            commit(sink, 5)
        proxy.fault.times = 0
        assert commit(sink, 6, 0, LATER).place == FIRST_KEY
    assert keys(bucket) == [FIRST_KEY]


def test_an_attempt_that_arrives_late_wins_and_is_resolved(place: Place, bucket: Bucket) -> None:
    attempts = [intended(place, 5)]
    sink = sink_of(place)
    assert sink.resolve(attempts) is None
    arrive(place, attempts[0])  # after it was looked for
    with pytest.raises(RetryableError, match="an earlier attempt at these rows has arrived meanwhile"):
        commit(sink, 9, 0, LATER, attempts)
    assert sink.resolve(attempts) == attempts[0]
    assert keys(bucket) == [FIRST_KEY]
    assert commit(sink, 4, 5, LATER).rows == 4


def test_an_equal_object_that_is_there_is_the_commit(place: Place, bucket: Bucket) -> None:
    first = commit(sink_of(place), 5)
    assert commit(sink_of(place), 5) == first
    assert keys(bucket) == [FIRST_KEY]


def test_an_object_of_another_stream_is_not_replaced(place: Place, bucket: Bucket) -> None:
    bucket.put(FIRST_KEY, b"of another", {})
    with pytest.raises(FatalError, match="of another stream") as caught:
        commit(sink_of(place), 5)
    assert FIRST_KEY in str(caught.value) and "`key`" in str(caught.value)
    with pytest.raises(FatalError, match="of another stream"):
        sink_of(place).resolve([intended(place, 5)])
    assert bucket.read(FIRST_KEY) == b"of another"


def test_a_damaged_object_is_removed_and_its_rows_come_again(place: Place, bucket: Bucket) -> None:
    attempts = [intended(place, 5)]
    bucket.put(FIRST_KEY, b"damaged", {"Metadata": {"sha256": attempts[0]["sha256"]}})
    sink = sink_of(place)
    assert sink.resolve(attempts) is None and keys(bucket) == []
    assert commit(sink, 5, 0, AT, attempts).rows == 5
    assert sink.resolve(attempts) == attempts[0]


def test_uploads_that_were_left_are_given_up(place: Place, bucket: Bucket) -> None:
    attempts = [intended(place, 5)]
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key=FIRST_KEY)
    assert [upload.key for upload in bucket.uploads("")] == [FIRST_KEY]
    assert sink_of(place).resolve(attempts) is None
    assert list(bucket.uploads("")) == []


def test_a_check_gives_up_what_a_killed_one_left(place: Place, bucket: Bucket) -> None:
    for key in (".check", ".check_of_another"):
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
    sink_of(place).check()
    assert [upload.key for upload in bucket.uploads("")] == [".check_of_another"]


def test_of_two_that_commit_the_same_rows_at_once_one_succeeds(place: Place, bucket: Bucket) -> None:
    results, start = list[Sent | ExportError](), Barrier(2)

    def send(rows: int) -> None:
        sink = sink_of(place)
        sink.add(shown(rows_of(rows)))
        start.wait()
        try:
            results.append(sink.commit(lambda _: None))
        except ExportError as error:
            results.append(error)

    threads = [Thread(target=send, args=(rows,)) for rows in (50, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [result for result in results if isinstance(result, Sent)]
    assert len(results) == 2 and keys(bucket) == [FIRST_KEY]
    assert len(gzip.decompress(bucket.read(FIRST_KEY) or b"").splitlines()) == winner.rows


def test_a_client_of_the_program_around_is_not_closed(place: Place, bucket: Bucket) -> None:
    access = Access(client=lambda: bucket.client)
    settings = S3StreamSettings.model_validate({"bucket": bucket.name})
    for _ in range(2):
        sink = S3Sink(table(), settings, ENVELOPE, access)
        commit(sink, 3)
        sink.close()
    assert keys(bucket) == [FIRST_KEY]


def test_a_sink_without_the_right_to_write_says_so(place: Place) -> None:
    place.environment = {"S3_KEY": READER_KEY, "S3_SECRET": READER_SECRET}
    with pytest.raises(RequestError, match="no right"):
        sink_of(place).check()
