"""A Firehose delivery stream."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from export_pipelines.aws.connect import Access, open_client
from export_pipelines.definition.stream import FirehoseSettings
from export_pipelines.errors import RequestError
from export_pipelines.streaming.sinks.answers import Answer, answer_of, service_errors
from export_pipelines.streaming.sinks.pace import Rate
from export_pipelines.streaming.sinks.sending import Limits

LIMITS = Limits(records=500, bytes=4 << 20, record_bytes=1_000 << 10)
DIRECT = "DirectPut"
RIGHTS = "firehose:PutRecordBatch and firehose:DescribeDeliveryStream"


class Firehose:
    """The Service of a delivery stream. boto3's own retries are off, as for Kinesis."""

    limits = LIMITS
    keeps_order = True
    remedy = "ask AWS for a higher quota of the delivery stream"

    def __init__(self, settings: FirehoseSettings, access: Access) -> None:
        self.settings, self.access = settings, access
        self.where = f"firehose {settings.stream}"

    @cached_property
    def client(self) -> Any:
        with service_errors(self.where, RIGHTS):
            return open_client("firehose", self.access, self.where, attempts=1, parameter_validation=False)

    def check(self) -> None:
        with service_errors(self.where, RIGHTS):
            answer = self.client.describe_delivery_stream(DeliveryStreamName=self.settings.stream)
        stream = answer["DeliveryStreamDescription"]
        if stream["DeliveryStreamStatus"] != "ACTIVE":
            raise RequestError(
                f"the delivery stream is {stream['DeliveryStreamStatus']}",
                where=self.where,
                remedy="start when it is ACTIVE",
            )
        if stream["DeliveryStreamType"] != DIRECT:
            raise RequestError(
                f"the delivery stream takes no records from us: its source is {stream['DeliveryStreamType']}",
                where=self.where,
                remedy="name one whose source is Direct PUT",
            )

    def put(self, keys: Sequence[str], data: Sequence[bytes]) -> Answer:
        def put() -> list[str]:
            answer = self.client.put_record_batch(
                DeliveryStreamName=self.settings.stream, Records=[{"Data": text} for text in data]
            )
            return [stored.get("ErrorCode") or "" for stored in answer["RequestResponses"]]

        return answer_of(put, len(data), self.where, RIGHTS)

    def rate(self) -> Rate | None:
        return None

    def close(self) -> None:
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()
