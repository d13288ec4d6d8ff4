"""Kinesis and Firehose: limits of calls and records, dead letters, back-off, pace, what `check` says, what is remembered."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.errors import RequestError, RetryableError, SettingsError
from export_pipelines.streaming.sink import Sent
from export_pipelines.streaming.sinks.answers import Answer
from export_pipelines.streaming.sinks.pace import Rate
from export_pipelines.streaming.sinks.record_sink import BATCH_RECORDS, RecordSink
from export_pipelines.streaming.sinks.sending import Sending, spans
from export_pipelines_servers.aws import own_aws
from export_pipelines_tests.streaming.sinks.places import PLACES, Place
from export_pipelines_tests.streaming.sinks.samples import BARE, shown

KiB, MiB = 1 << 10, 1 << 20
CALL_BYTES = {"kinesis": 5 * MiB, "firehose": 4 * MiB}
RECORD_BYTES = {"kinesis": MiB, "firehose": 1000 * KiB}


@pytest.fixture(params=["kinesis", "firehose"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with PLACES[request.param](tmp_path) as place:
        yield place


@pytest.fixture
def kinesis(tmp_path: Path) -> Iterator[Place]:
    with PLACES["kinesis"](tmp_path) as place:
        yield place


def sent(sink: Any, rows: Sequence[tuple[Any, ...]], first: int = 0) -> Sent:
    sink.add(shown(rows, first))
    commit: Sent = sink.commit(lambda _: None)
    return commit


def calls_of(place: Place) -> Any:
    assert place.proxy is not None
    return place.proxy.calls


def test_a_call_holds_at_most_500_records_and_one_of_a_key(place: Place) -> None:
    rows = [(f"lead-{n % 620 if n % 60 else 0}", n, None, "x") for n in range(1900)]
    assert sent(place.sink(), rows).rows == 1900
    sizes = [len(call.records) for call in calls_of(place)]
    assert max(sizes) == 500 and sum(sizes) == 1900
    for call in calls_of(place):
        keys = Counter(record.get("PartitionKey", record["Data"]) for record in call.records)
        assert set(keys.values()) == {1}
    assert len(sizes) <= 1900 // 60 + 5  # as many as the most frequent key needs


def test_calls_are_full_where_no_order_is_asked_for(kinesis: Place) -> None:
    """Records that are refused are sent again, behind others of their key."""
    kinesis.fail("partial")
    rows = [("lead-1", n, None, "x") for n in range(1200)]
    answer = sent(kinesis.sink(ordered=False), rows)
    assert answer.rows == 1200 and answer.retried > 0
    calls = calls_of(kinesis)
    assert [len(call.records) for call in calls[:2]] == [500, 500] and len(calls) <= 5


def test_a_call_has_as_many_bytes_as_the_service_takes(place: Place) -> None:
    size, most = 400_000, CALL_BYTES[place.kind]
    sent(place.sink(envelope=BARE), [(f"lead-{n}", n, None, "x" * size) for n in range(32)])
    assert {len(call.records) for call in calls_of(place)} == {most // size, 32 % (most // size)}


def test_a_record_at_the_limit_is_sent_and_one_byte_more_is_a_dead_letter(place: Place) -> None:
    head = len('{"lead":"lead-0","n":0,"pay":null,"text":""}') + (6 if place.kind == "kinesis" else 1)
    fits = RECORD_BYTES[place.kind] - head
    rows = [(f"lead-{n}", n, None, "s3cret" + "x" * (fits - 6 + n)) for n in (0, 1)]
    result = sent(place.sink(envelope=BARE), [*rows, ("lead-2", 2, None, "ok")], first=40)
    assert result.rows == 2
    (dead,) = result.dead
    assert (dead.id, dead.sequence) == ("id-lead-1", 41)
    assert f"more than the {RECORD_BYTES[place.kind]}" in dead.reason and "s3cret" not in dead.reason
    assert sorted(record["n"] for record in place.records()) == [0, 2]


def test_a_key_that_kinesis_cannot_take_is_a_dead_letter(kinesis: Place) -> None:
    rows = [("", 0, None, "x"), ("é" * 257, 1, None, "x"), ("é" * 256, 2, None, "x"), (None, 3, None, "x")]
    result = sent(kinesis.sink(), rows)
    assert [(dead.sequence, dead.reason) for dead in result.dead] == [
        (0, "the partition key is empty"),
        (1, "the partition key has 257 characters, more than 256"),
    ]
    assert kinesis.keys() == ["é" * 256, "id-None"]
    assert result.rows == 2


def test_dead_letters_alone_are_a_commit_without_a_call(kinesis: Place) -> None:
    result = sent(kinesis.sink(), [("", 0, None, "x")])
    assert (result.rows, len(result.dead), calls_of(kinesis)) == (0, 1, [])


def test_a_larger_limit_of_the_stream_is_taken(kinesis: Place) -> None:
    sink = kinesis.sink(record_bytes=2 * MiB)
    assert isinstance(sink, RecordSink)
    assert (sink.service.limits.record_bytes, sink.service.limits.bytes) == (2 * MiB, 10 * MiB)


def test_a_sink_is_full_by_records_and_by_bytes(kinesis: Place) -> None:
    sink = kinesis.sink()
    sink.add(shown([("lead", n, None, "x") for n in range(BATCH_RECORDS - 1)]))
    assert not sink.is_full
    sink.add(shown([("lead", 0, None, "x")], BATCH_RECORDS))
    assert sink.is_full
    wide = kinesis.sink()
    wide.add(shown([(f"l{n}", n, None, "x" * 900_000) for n in range(19)]))
    assert wide.is_full


def test_rows_of_a_failed_commit_may_come_again_in_other_cuts(place: Place) -> None:
    assert place.proxy is not None
    rows = [(f"lead-{n}", n, None, "x") for n in range(900)]
    sink = place.sink(patience_s=0.0)
    place.fail("pass")
    place.fail("lost")
    place.proxy.chances = {"throttle": 1.0}
    with pytest.raises(RetryableError, match="no record was taken"):
        sent(sink, rows)
    place.proxy.chances = {}
    first, second = sent(sink, rows[:450]), sent(sink, rows[450:], 450)
    assert (first.doubtful, second.doubtful) == (0, 400)
    times = Counter(record["sequence"] for record in place.records())
    assert set(times) == set(range(900))
    assert {sequence for sequence, number in times.items() if number > 1} == set(range(500, 900))


def test_throttling_ends_with_what_helps_and_no_secret(place: Place) -> None:
    assert place.proxy is not None
    place.proxy.chances = {"throttle": 1.0}
    with pytest.raises(RetryableError) as caught:
        sent(place.sink(patience_s=0.2), [("lead", 0, None, "canary@example.com")])
    assert {"kinesis": "add shards", "firehose": "higher quota"}[place.kind] in str(caught.value)
    assert "canary" not in str(caught.value) and caught.value.retryable


def test_a_throttled_stream_gets_calls_at_its_own_rate(kinesis: Place) -> None:
    """Two shards take 2,000 records a second; here they take 600 in one, and say so."""
    assert kinesis.proxy is not None
    kinesis.proxy.capacity = 600
    sink = kinesis.sink()
    result = sent(sink, [(f"lead-{n}", n, None, "x") for n in range(1500)])
    assert result.rows == 1500 and result.retried > 0 and result.doubtful == 0
    assert isinstance(sink, RecordSink) and sink.service.rate() == Rate(2_000, 2 * MiB)
    assert Counter(record["sequence"] for record in kinesis.records()) == Counter(range(1500))


def test_a_wait_ends_when_the_sink_is_closed(place: Place) -> None:
    assert place.proxy is not None
    place.proxy.chances = {"throttle": 1.0}
    sink = place.sink(patience_s=600)
    timer = threading.Timer(0.5, sink.close)
    timer.start()
    began = time.monotonic()
    with pytest.raises(RetryableError):
        sent(sink, [("lead", 0, None, "x")])
    assert time.monotonic() - began < 60  # of the ten minutes for which it would try


def test_what_is_interrupted_in_the_middle_of_a_call_is_doubtful_when_it_comes_again(kinesis: Place) -> None:
    sink = kinesis.sink()
    assert isinstance(sink, RecordSink)
    put = sink.service.put

    def interrupted(keys: Sequence[str], data: Sequence[bytes]) -> Answer:
        put(keys, data)
        raise KeyboardInterrupt

    sink.service.put = interrupted  # type: ignore[method-assign]
    rows = [(f"lead-{n}", n, None, "x") for n in range(7)]
    with pytest.raises(KeyboardInterrupt):
        sent(sink, rows)
    sink.service.put = put  # type: ignore[method-assign]
    assert sent(sink, rows).doubtful == 7


def test_a_stream_that_is_not_there_says_what_to_do(place: Place) -> None:
    with pytest.raises(RequestError) as caught:
        place.sink(stream="absent").check()
    assert f"{place.kind} absent: the stream is not there" in str(caught.value)
    assert "create it, or mend `stream` and `region`" in str(caught.value)


def test_a_delivery_stream_that_reads_a_data_stream_takes_no_records(tmp_path: Path) -> None:
    with PLACES["firehose"](tmp_path) as place:
        source = own_aws().new_stream("source-of-firehose", 1)
        client = own_aws().client("firehose")
        arn = own_aws().client("kinesis").describe_stream_summary(StreamName=source)
        client.create_delivery_stream(
            DeliveryStreamName="from-kinesis",
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": arn["StreamDescriptionSummary"]["StreamARN"],
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            },
            ExtendedS3DestinationConfiguration={
                "BucketARN": "arn:aws:s3:::delivered",
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            },
        )
        with pytest.raises(RequestError, match="Direct PUT"):
            place.sink(stream="from-kinesis").check()


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"region": None, "endpoint_url": None}, SettingsError, "there is no region"),
        ({"region": "no region!"}, SettingsError, "is no region"),
        ({"ca": "absent.pem"}, SettingsError, "cannot read"),
        ({"access_key": {"env": "ABSENT"}}, SettingsError, "the variable ABSENT is not set"),
    ],
)
def test_settings_that_reach_nothing_are_told_by_check(
    place: Place, settings: dict[str, Any], error: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(error, match=text):
        place.sink(**settings).check()


def test_a_partition_key_that_is_not_exported_is_refused_at_once(kinesis: Place) -> None:
    with pytest.raises(RequestError, match='"phone" is no exported column'):
        kinesis.sink(partition_key="phone")


def test_a_sending_that_knows_no_rate_only_backs_off(tmp_path: Path) -> None:
    with PLACES["firehose"](tmp_path) as place:
        sink = place.sink()
        assert isinstance(sink, RecordSink) and sink.service.rate() is None
        sink.sending = Sending(sink.service, 5)
        place.fail("throttle")
        assert sent(sink, [("lead", 0, None, "x")]).retried == 1


def test_sequences_are_shown_as_spans() -> None:
    assert spans([7]) == ["7"]
    assert spans([5, 3, 4, 9, 11, 12]) == ["3-5", "9", "11-12"]
