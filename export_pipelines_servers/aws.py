"""Services of Amazon as moto serves them: Kinesis, Firehose with its bucket, KMS."""

import atexit
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from export_pipelines_servers.ending import end, undisturbed, with_parent
from export_pipelines_servers.free_port import free_port

REGION = "eu-west-1"
KEY, SECRET = "exports", "s3cret/aws"
BUCKET = "delivered"
START_S = 30


@dataclass(frozen=True)
class Aws:
    """moto at `url`. Any keys are good."""

    url: str

    def client(self, service: str) -> Any:
        return _client(self.url, service)

    def new_stream(self, name: str, shards: int = 2) -> str:
        """A data stream of Kinesis."""
        self.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
        return name

    def records(self, stream: str) -> list[tuple[str, bytes]]:
        """Partition key and data of each record of a data stream, shard after shard, in the order in which they arrived."""
        client, records = self.client("kinesis"), list[tuple[str, bytes]]()
        for shard in client.list_shards(StreamName=stream)["Shards"]:
            place: str | None = client.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while place:
                answer = client.get_records(ShardIterator=place)
                records += [(record["PartitionKey"], record["Data"]) for record in answer["Records"]]
                place = answer["NextShardIterator"] if answer["Records"] else None
        return records

    def new_delivery_stream(self, name: str, source: str = "DirectPut") -> str:
        """A delivery stream of Firehose, into BUCKET below its name."""
        s3 = self.client("s3")
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        place = {"BucketARN": f"arn:aws:s3:::{BUCKET}", "Prefix": f"{name}/", "RoleARN": ROLE}
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName=name, DeliveryStreamType=source, ExtendedS3DestinationConfiguration=place
        )
        return name

    def delivered(self, stream: str) -> Sequence[bytes]:
        """What a delivery stream put into its bucket, call by call, in the order in which it arrived."""
        client = self.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{stream}/")
        objects = [stored for page in pages for stored in page.get("Contents", ())]
        return [client.get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read() for stored in objects]


@cache
def _client(url: str, service: str) -> Any:
    """Kept: it reads the description of its service."""
    session: Any = boto3.session.Session()
    return session.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )


ROLE = "arn:aws:iam::123456789012:role/firehose"


@cache
def own_aws() -> Aws:
    """A server that this process keeps until it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(aws_server())


@contextmanager
def aws_server(port: int = 0) -> Iterator[Aws]:
    """moto on a port of loopback, a free one by default, in a thread of this process; what it holds ends with it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield Aws(f"http://127.0.0.1:{port}")
    finally:
        server.stop()


@contextmanager
def aws_process() -> Iterator[Aws]:
    """moto in a process of its own, which takes no time from its clients'."""
    port = free_port()
    with undisturbed():
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=with_parent(signal.SIGKILL),  # noqa: PLW1509
        )
    try:
        _wait(process, port)
        yield Aws(f"http://127.0.0.1:{port}")
    finally:
        end(process, signal.SIGKILL)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(START_S * 10):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "moto did not start"
        time.sleep(0.1)
    raise AssertionError("moto did not listen")
