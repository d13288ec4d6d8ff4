"""Real servers for each kind of sink, on which things go wrong, and what has arrived there."""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from export_pipelines.definition.stream import (
    FirehoseSettings,
    KinesisSettings,
    S3StreamSettings,
    SinkSettings,
)
from export_pipelines.plan.plan import Plan
from export_pipelines.s3 import Bucket
from export_pipelines.streaming.sink import Envelope, Sink
from export_pipelines.streaming.sinks.open_sink import open_sink
from export_pipelines.streaming.sinks.record_sink import RecordSink
from export_pipelines.streaming.sinks.sending import Sending
from export_pipelines_servers import aws, s3
from export_pipelines_servers.aws import Aws, own_aws
from export_pipelines_servers.failing_aws import FailingAws, failing_aws
from export_pipelines_servers.fault_proxy import Fault, FaultProxy, fault_proxy
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.streaming.sinks.samples import ENVELOPE, table

_NUMBERS = count(1)
OF_CALLS = ("throttle", "partial", "cut", "lost", "error", "broken", "slow", "late")
FAULTS = {"kinesis": OF_CALLS, "firehose": OF_CALLS, "s3": ("cut", "reset", "lost", "stall")}
SLOW = ("slow", "late", "stall")  # those that a sender waits for
TIMEOUT_S = 30.0  # a busy machine is no fault
SHORT_S, SLOW_S = 1.0, 1.6


@dataclass
class Place:
    """Where one kind of sink sends: `settings` reach it through the proxy. `fail` says what goes wrong next."""

    kind: str
    folder: Path
    environment: Mapping[str, str]
    settings: SinkSettings
    arrived_bytes: Callable[[], Sequence[bytes]]
    fail: Callable[[str], None]
    aws: Aws | None = None
    proxy: FailingAws | None = None
    bucket: Bucket | None = None

    @property
    def quick_faults(self) -> tuple[str, ...]:
        """Those that nobody waits for."""
        return tuple(fault for fault in FAULTS[self.kind] if fault not in SLOW)

    def sink(
        self,
        plan: Plan | None = None,
        envelope: Envelope = ENVELOPE,
        patience_s: float = 30,
        **settings: Any,
    ) -> Sink:
        """A new one; `settings` replace those of the place."""
        resources = Desk(self.folder, dict(self.environment)).resources
        chosen = type(self.settings).model_validate({**self.settings.model_dump(), **settings})
        sink = open_sink(plan or table(), chosen, envelope, resources)
        if isinstance(sink, RecordSink):
            sink.sending = Sending(sink.service, patience_s)
        return sink

    def keys(self) -> list[str]:
        """The partition keys of what has arrived."""
        calls = self.proxy.calls if self.proxy else ()
        return [
            record["PartitionKey"] for call in calls for record in call.records if "PartitionKey" in record
        ]

    def records(self) -> list[dict[str, Any]]:
        """Every record that has arrived; those of one key in the order in which they did."""
        return [json.loads(line) for data in self.arrived_bytes() for line in data.splitlines()]


@contextmanager
def kinesis(folder: Path) -> Iterator[Place]:
    moto = own_aws()
    with failing_aws(moto.url) as proxy:
        name = moto.new_stream(f"events-{next(_NUMBERS)}")
        settings = KinesisSettings.model_validate(
            {**_reached(proxy), "stream": name, "partition_key": "lead"}
        )
        yield _of_aws(
            "kinesis", folder, settings, moto, proxy, lambda: [data for _, data in moto.records(name)]
        )


@contextmanager
def firehose(folder: Path) -> Iterator[Place]:
    moto = own_aws()
    with failing_aws(moto.url) as proxy:
        name = moto.new_delivery_stream(f"events-{next(_NUMBERS)}")
        settings = FirehoseSettings.model_validate({**_reached(proxy), "stream": name})
        yield _of_aws("firehose", folder, settings, moto, proxy, partial(_delivered, proxy, moto, name))


@contextmanager
def bucket(folder: Path) -> Iterator[Place]:
    server, own = s3.own_bucket()
    with fault_proxy(server.port) as proxy:
        settings = S3StreamSettings.model_validate(
            {
                "bucket": own.name,
                "key": "{{export}}/{{date}}/{{hour}}/",
                "endpoint_url": f"http://127.0.0.1:{proxy.port}",
                "access_key": {"env": "S3_KEY"},
                "secret_key": {"env": "S3_SECRET"},
                "timeout_s": TIMEOUT_S,
            }
        )
        yield Place(
            "s3",
            folder,
            {"S3_KEY": s3.KEY, "S3_SECRET": s3.SECRET},
            settings,
            partial(_lines_of, own),
            partial(_fail_connections, proxy),
            bucket=own,
        )


PLACES = {"kinesis": kinesis, "firehose": firehose, "s3": bucket}


def _delivered(proxy: FailingAws, moto: Aws, stream: str) -> Sequence[bytes]:
    """moto's objects tell seconds only; the proxy knows the order of calls."""
    with proxy.lock:
        stored = [
            base64.b64decode(call.records[position]["Data"])
            for call in proxy.calls
            for position in call.stored
        ]
        assert Counter(stored) == Counter(b"".join(moto.delivered(stream)).splitlines(keepends=True))
    return stored


def _reached(proxy: FailingAws) -> Mapping[str, Any]:
    return {
        "endpoint_url": proxy.url,
        "region": aws.REGION,
        "access_key": {"env": "AWS_KEY"},
        "secret_key": {"env": "AWS_SECRET"},
        "timeout_s": TIMEOUT_S,
    }


def _of_aws(
    kind: str,
    folder: Path,
    settings: SinkSettings,
    moto: Aws,
    proxy: FailingAws,
    arrived: Callable[[], Sequence[bytes]],
) -> Place:
    proxy.slow_s = SLOW_S
    return Place(
        kind,
        folder,
        {"AWS_KEY": aws.KEY, "AWS_SECRET": aws.SECRET},
        settings,
        arrived,
        proxy.script.append,  # type: ignore[arg-type]
        aws=moto,
        proxy=proxy,
    )


def _fail_connections(proxy: FaultProxy, fault: str) -> None:
    """`lost`: the object was put, and nothing of the answer comes back."""
    proxy.fault = Fault(fault, after=2_000, times=1)


def _lines_of(own: Bucket) -> Sequence[bytes]:
    keys = sorted(stored.key for stored in own.list("") if not stored.key.endswith("manifest.json"))
    return [gzip.decompress(own.read(key) or b"") for key in keys]
