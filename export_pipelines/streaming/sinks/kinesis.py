"""A Kinesis data stream."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from export_pipelines.aws.connect import Access, open_client
from export_pipelines.definition.stream import KinesisSettings
from export_pipelines.errors import ExportError, RequestError
from export_pipelines.streaming.sinks.answers import Answer, answer_of, service_errors
from export_pipelines.streaming.sinks.pace import Rate
from export_pipelines.streaming.sinks.sending import Limits

MiB = 1 << 20
RECORDS = 500  # of a call
CALL_BYTES, LARGE_CALL_BYTES = 5 * MiB, 10 * MiB  # the larger came later, with larger records
SHARD = Rate(records=1_000, bytes=MiB)
USABLE = ("ACTIVE", "UPDATING")
RIGHTS = "kinesis:PutRecords and kinesis:DescribeStreamSummary"


class Kinesis:
    """The Service of a data stream. boto3's own retries are off: it would send a whole call again after a lost answer, and
    not say so."""

    def __init__(self, settings: KinesisSettings, access: Access) -> None:
        self.settings, self.access = settings, access
        self.where = f"kinesis {settings.stream}"
        self.remedy = "add shards to the stream, or make it on-demand"
        large = settings.record_bytes > MiB
        self.keeps_order = settings.ordered
        self.limits = Limits(RECORDS, LARGE_CALL_BYTES if large else CALL_BYTES, settings.record_bytes)

    @cached_property
    def client(self) -> Any:
        with service_errors(self.where, RIGHTS):
            return open_client("kinesis", self.access, self.where, attempts=1, parameter_validation=False)

    def check(self) -> None:
        status = self._summary()["StreamStatus"]
        if status not in USABLE:
            raise RequestError(f"the stream is {status}", where=self.where, remedy="start when it is ACTIVE")

    def put(self, keys: Sequence[str], data: Sequence[bytes]) -> Answer:
        def put() -> list[str]:
            answer = self.client.put_records(
                StreamName=self.settings.stream,
                Records=[{"Data": text, "PartitionKey": key} for key, text in zip(keys, data, strict=True)],
            )
            return [stored.get("ErrorCode") or "" for stored in answer["Records"]]

        return answer_of(put, len(data), self.where, RIGHTS)

    def rate(self) -> Rate | None:
        try:
            shards = int(self._summary()["OpenShardCount"])
        except ExportError:  # throttled as well, or no right to ask
            return None
        return Rate(shards * SHARD.records, shards * SHARD.bytes)

    def close(self) -> None:
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()

    def _summary(self) -> Any:
        with service_errors(self.where, RIGHTS):
            answer = self.client.describe_stream_summary(StreamName=self.settings.stream)
            return answer["StreamDescriptionSummary"]
