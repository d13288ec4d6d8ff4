"""What a server has after an upload is looked at: its size, and its bytes by the server's MD5 or by reading them back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.artifacts.s3.staging import S3Staging
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.s3 import PIECE_BYTES
from export_pipelines_servers.framing_s3 import Gateway, framing_gateway
from export_pipelines_servers.receivers import S3Receiver
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, stored
from export_pipelines_tests.delivery.desk import Desk

LARGE = {"large.bin": bytes(range(256)) * (PIECE_BYTES // 256 * 2 + 5), "small.csv": b"id\n1\n"}


@pytest.fixture
def receiver(desk: Desk) -> S3Receiver:
    made = S3Receiver(*own_bucket())
    desk.environment.update(made.environment)
    return made


@pytest.fixture
def gateway(receiver: S3Receiver, tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "tls").mkdir()
    with framing_gateway(receiver.server, tmp_path / "tls") as made:
        yield made


def through(receiver: S3Receiver, gateway: Gateway, **settings: Any) -> Any:
    return receiver.entry(endpoint_url=gateway.endpoint_url, ca=str(gateway.ca), **settings)


@pytest.mark.parametrize("files", [PARTS, LARGE], ids=["small", "in pieces"])
def test_a_server_that_stores_the_frames_is_found_out(
    desk: Desk, receiver: S3Receiver, gateway: Gateway, files: dict[str, bytes]
) -> None:
    with pytest.raises(RequestError, match=r"were sent, and the server has .*`checksums: when_required`"):
        desk.send(stored(desk.store, files), through(receiver, gateway, checksums="when_supported"))
    assert gateway.framed
    assert desk.ledger.deliveries()[0].state == "failed"
    assert receiver.arrived() == {} and receiver.debris() == []


def test_to_a_server_that_is_not_amazons_nothing_is_sent_in_frames(
    desk: Desk, receiver: S3Receiver, gateway: Gateway
) -> None:
    receipt = desk.send(stored(desk.store, LARGE), through(receiver, gateway))
    assert gateway.framed == 0
    assert {name: receiver.arrived()[name] for name in LARGE} == LARGE
    assert receipt.details == {"objects proven": "3 by the server's MD5"}


def test_where_the_server_tells_no_md5_all_is_read_back(
    desk: Desk, receiver: S3Receiver, gateway: Gateway
) -> None:
    gateway.fault = "hides its MD5"
    receipt = desk.send(stored(desk.store, LARGE), through(receiver, gateway))
    assert receipt.details == {"objects proven": "3 by reading back"}


@pytest.mark.parametrize("files", [PARTS, LARGE], ids=["small", "in pieces"])
def test_other_bytes_of_the_same_number_are_found(
    desk: Desk, receiver: S3Receiver, gateway: Gateway, files: dict[str, bytes]
) -> None:
    gateway.fault = "flips"
    with pytest.raises(RetryableError, match="is not what was sent"):
        desk.send(stored(desk.store, files), through(receiver, gateway))
    assert receiver.arrived() == {}


def test_frames_that_the_server_understands_are_no_harm(
    desk: Desk, receiver: S3Receiver, gateway: Gateway
) -> None:
    gateway.fault = "none"
    desk.send(stored(desk.store), through(receiver, gateway, checksums="when_supported"))
    assert gateway.framed
    assert {name: receiver.arrived()[name] for name in PARTS} == PARTS


def test_a_store_behind_such_a_server_commits_nothing(
    receiver: S3Receiver, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    url = f"s3://{receiver.bucket.name}/store?endpoint_url={gateway.endpoint_url}&ca={gateway.ca}"
    with (
        pytest.raises(RequestError, match="the server has"),
        open_store(f"{url}&checksums=when_supported").begin("daily", "2024-01-15", TOKEN) as staging,
    ):
        assert isinstance(staging, S3Staging)
        part = staging.open_part("leads_part_1.csv")
        part.write(PARTS["leads_part_1.csv"])
        part.finish()
    assert receiver.arrived() == {}
    assert stored(open_store(url)).rows
