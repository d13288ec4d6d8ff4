"""What S3 alone can do: keys of one's own, pieces, conditions, encryption, tags; on SeaweedFS."""

import json
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.definition.destinations import S3Settings
from export_pipelines.delivery.removal import Removing
from export_pipelines.errors import RequestError, RetryableError, SettingsError
from export_pipelines.s3 import PIECE_BYTES, Upload
from export_pipelines_servers.fault_proxy import Fault, fault_proxy
from export_pipelines_servers.receivers import S3Receiver
from export_pipelines_servers.s3 import own_bucket
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry, placing_of

LATER = "20240117T020000Z-0a1b2c"
LARGE = {"large.bin": bytes(range(256)) * (PIECE_BYTES // 256 * 3 + 5), "small.csv": b"id\n1\n"}


@pytest.fixture
def receiver(desk: Desk) -> S3Receiver:
    made = S3Receiver(*own_bucket())
    desk.environment.update(made.environment)
    return made


def later(desk: Desk, parts: dict[str, bytes]) -> Any:
    return stored(desk.store, parts, token=LATER, at=AT + timedelta(days=1))


def test_a_large_file_goes_up_in_pieces_and_says_its_digest(desk: Desk, receiver: S3Receiver) -> None:
    made = stored(desk.store, LARGE)
    desk.send(made, receiver.entry())
    assert {name: receiver.arrived()[name] for name in LARGE} == LARGE
    for part in made.parts:
        found = receiver.bucket.head(f"in/{part.name}")
        assert found is not None
        assert found.sha256 == part.sha256


def test_a_key_names_the_files_and_the_manifest_lists_them_so(desk: Desk, receiver: S3Receiver) -> None:
    entry = receiver.entry(key="performance/{{date}}/part_{{part | pad(3)}}.{{ext}}")
    receipt = desk.send(stored(desk.store), entry)
    receiver.folder = "performance/2024-01-15/"
    assert receipt.files == ("part_001.csv", "part_002.csv", "daily.manifest.json")
    assert receipt.target == f"s3://{receiver.bucket.name}/performance/2024-01-15/"
    arrived = receiver.arrived()
    listed = [load["name"] for load in json.loads(arrived["daily.manifest.json"])["parts"]]
    assert listed == ["part_001.csv", "part_002.csv"]
    assert [arrived[name] for name in listed] == list(PARTS.values())
    assert desk.send(later(desk, PARTS), entry) == receipt


def test_what_the_set_before_had_more_is_gone(desk: Desk, receiver: S3Receiver) -> None:
    desk.send(stored(desk.store), receiver.entry())
    desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), receiver.entry())
    assert set(receiver.arrived()) == {"leads_part_1.csv", "daily.manifest.json"}
    assert receiver.debris() == []


def test_never_replaces_nothing(desk: Desk, receiver: S3Receiver) -> None:
    entry = receiver.entry(overwrite="never")
    desk.send(stored(desk.store), entry)
    with pytest.raises(RequestError, match="already there"):
        desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), entry)
    assert receiver.arrived()["leads_part_1.csv"] == PARTS["leads_part_1.csv"]


@pytest.mark.parametrize("size", [5, PIECE_BYTES * 2])
def test_what_came_a_moment_before_is_not_replaced(receiver: S3Receiver, size: int) -> None:
    upload = Upload(receiver.bucket, "in/x", {}, "a" * 64)
    upload.write(b"x" * size)
    receiver.bucket.put("in/x", b"theirs", {})
    assert not upload.complete(only_new=True)
    upload.abort()
    assert receiver.bucket.read("in/x") == b"theirs"
    assert receiver.debris() == []


@pytest.mark.parametrize("sizes", [(PIECE_BYTES,), (PIECE_BYTES, PIECE_BYTES, 7), (PIECE_BYTES - 1, 3), (7,)])
def test_what_was_handed_over_is_sent_without_a_copy(receiver: S3Receiver, sizes: tuple[int, ...]) -> None:
    pieces = [bytearray(bytes([number]) * size) for number, size in enumerate(sizes, 1)]
    whole, upload = b"".join(pieces), Upload(receiver.bucket, "in/x", {})
    tracemalloc.start()
    for piece in pieces:
        upload.write(piece)
    assert upload.complete()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert upload.prove() == "the server's MD5"
    assert receiver.bucket.read("in/x") == whole
    assert peak < PIECE_BYTES / 2 or sizes[0] % PIECE_BYTES


def test_an_answer_that_was_lost_is_no_other_delivery(receiver: S3Receiver) -> None:
    assert receiver.bucket.put("in/m", b"same", {}, only_new=True)
    assert receiver.bucket.put("in/m", b"same", {}, only_new=True)
    assert not receiver.bucket.put("in/m", b"other", {}, only_new=True)


def test_without_its_manifest_a_set_replaces_one_that_had_it(desk: Desk, receiver: S3Receiver) -> None:
    desk.send(stored(desk.store), receiver.entry())
    desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), receiver.entry(manifest=False))
    assert receiver.arrived() == {"leads_part_1.csv": b"id\n9\n"}
    assert receiver.debris() == []


def test_a_manifest_lies_in_no_archive(desk: Desk, receiver: S3Receiver) -> None:
    desk.send(stored(desk.store), receiver.entry(storage_class="STANDARD_IA"))
    head = receiver.bucket.client.head_object(Bucket=receiver.bucket.name, Key="in/daily.manifest.json")
    assert head.get("StorageClass") in (None, "STANDARD")


def test_a_version_goes_beside_what_is_there(desk: Desk, receiver: S3Receiver) -> None:
    entry = receiver.entry(overwrite="version")
    desk.send(stored(desk.store), entry)
    receipt = desk.send(later(desk, {"leads_part_1.csv": b"id\n9\n"}), entry)
    assert receipt.target.endswith("/in_v2/")
    assert receiver.bucket.read("in_v2/leads_part_1.csv") == b"id\n9\n"
    assert receiver.arrived()["leads_part_1.csv"] == PARTS["leads_part_1.csv"]


def test_uploads_of_a_killed_attempt_are_given_up(desk: Desk, receiver: S3Receiver) -> None:
    killed = Upload(receiver.bucket, "in/leads_part_1.csv", {})
    killed.write(b"x" * (PIECE_BYTES + 1))
    killed.stand()
    others = Upload(receiver.bucket, "in/of_another.csv", {})
    others.write(b"x" * (PIECE_BYTES + 1))
    others.stand()
    desk.send(stored(desk.store), receiver.entry())
    assert receiver.debris() == ["in/of_another.csv"]


def test_another_exports_file_is_not_replaced(desk: Desk, receiver: S3Receiver) -> None:
    desk.send(stored(desk.store), receiver.entry())
    with pytest.raises(RequestError, match="belongs to export daily"):
        desk.send(stored(desk.store, export="other"), receiver.entry())


def test_encryption_class_and_tags_are_asked_for(desk: Desk, receiver: S3Receiver) -> None:
    asked = {"encryption": "AES256", "storage_class": "STANDARD_IA", "tags": {"team": "billing & co"}}
    desk.send(stored(desk.store, LARGE), receiver.entry(**asked))
    client, bucket = receiver.bucket.client, receiver.bucket.name
    head = client.head_object(Bucket=bucket, Key="in/large.bin")
    assert (head["ServerSideEncryption"], head["StorageClass"]) == ("AES256", "STANDARD_IA")
    tags = client.get_object_tagging(Bucket=bucket, Key="in/large.bin")["TagSet"]
    assert tags == [{"Key": "team", "Value": "billing & co"}]


def test_a_server_with_a_certificate_of_ones_own_authority(desk: Desk, receiver: S3Receiver) -> None:
    url = f"https://127.0.0.1:{receiver.server.https_port}"
    desk.send(stored(desk.store), receiver.entry(endpoint_url=url, ca=str(receiver.server.ca)))
    assert set(PARTS) <= set(receiver.arrived())


def test_an_authority_whose_file_is_not_there_is_told_by_its_name(desk: Desk, receiver: S3Receiver) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*none\.pem"):
        open_entry(receiver.entry(ca="none.pem"), desk.resources)


def test_keys_of_the_environment_are_found(
    desk: Desk, receiver: S3Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", desk.environment["S3_KEY"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", desk.environment["S3_SECRET"])
    desk.send(stored(desk.store), receiver.entry(access_key=None, secret_key=None))
    assert set(PARTS) <= set(receiver.arrived())


def test_without_any_keys_it_says_so(
    desk: Desk, receiver: S3Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(RequestError, match="no credentials of AWS"):
        open_entry(receiver.entry(access_key=None, secret_key=None), desk.resources).check()


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (429, "Throttling")])
def test_a_server_that_is_busy_for_long_is_tried_again_later(
    desk: Desk, receiver: S3Receiver, status: int, code: str
) -> None:
    body = f"<Error><Code>{code}</Code></Error>"
    text = f"HTTP/1.1 {status} x\r\nRetry-After: 7\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    with fault_proxy(receiver.port) as proxy:
        proxy.fault = Fault("answer", times=3, text=text)  # as often as boto3 itself tries
        made, entry = stored(desk.store), receiver.through(proxy.port)
        with pytest.raises(RetryableError, match=code) as told:
            desk.send(made, entry)
        assert told.value.after_s == 7
        desk.at += timedelta(hours=1)
        desk.send(made, entry)
    assert set(PARTS) <= set(receiver.arrived())


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"bucket": "A_b"}, "3 to 63 small letters"),
        ({"key": "/x/"}, 'without "/" at its beginning'),
        ({"key": "x/../y/"}, 'without ".."'),
        ({"key": "x/{{part}}/{{ext}}"}, "belong to the file"),
        ({"key": "x/data.csv"}, "holds {{part}}"),
        ({"key": "part_{{part}}.csv", "overwrite": "version"}, "numbers the folder"),
        ({"endpoint_url": "https://key:secret@host"}, "without keys"),
        ({"access_key": {"env": "A"}}, "go together"),
        ({"kms_key": "k"}, "kms_key goes with"),
        ({"secret_key": "plain", "access_key": {"env": "A"}}, "never stands in a file"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as told:
        S3Settings.model_validate({"bucket": "exports", "key": "x/", **wrong})
    assert text in str(told.value)


def test_a_settings_key_that_the_server_cannot_serve_is_told(desk: Desk, receiver: S3Receiver) -> None:
    with pytest.raises((RequestError, RetryableError), match="s3://"):
        desk.send(stored(desk.store), receiver.entry(encryption="aws:kms"))
    assert receiver.arrived() == {}


@pytest.mark.parametrize("setting", ["endpoint_url", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "store"])
def test_plain_http_is_for_a_server_of_this_machine_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Wherever boto3 finds the endpoint, and for the artifact store too."""
    url, settings = "http://s3.example.com", {"bucket": "acme", "key": "a/"}
    if setting.startswith("AWS"):
        monkeypatch.setenv(setting, url)
    elif setting == "endpoint_url":
        settings["endpoint_url"] = url
    with pytest.raises(RequestError, match="plain http is for a server of this machine only"):
        if setting == "store":
            open_store(f"s3://acme/a?endpoint_url={url}")
        else:
            open_entry({"kind": "s3", "settings": settings}, desk.resources)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:9000"])
def test_plain_http_to_this_machine_is_an_endpoint(desk: Desk, host: str) -> None:
    settings = {"bucket": "acme", "key": "a/", "endpoint_url": f"http://{host}"}
    open_entry({"kind": "s3", "settings": settings}, desk.resources)


def test_what_is_taken_back_is_gone_in_every_version_and_others_stay(
    desk: Desk, receiver: S3Receiver
) -> None:
    """In a bucket that keeps versions, what was replaced by a later delivery is still there to be read."""
    client, name = receiver.bucket.client, receiver.bucket.name
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = stored(desk.store, {"leads_part_1.csv": b"id\n1\n"})
    receipt = desk.send(first, receiver.entry())
    other = later(desk, {"leads_part_1.csv": b"id\n2\n"})
    desk.send(other, receiver.entry())

    def kept() -> set[bytes]:
        found = client.list_object_versions(Bucket=name, Prefix="in/leads_part_1.csv").get("Versions", [])
        return {
            client.get_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
            for version in found
        }

    assert kept() == {b"id\n1\n", b"id\n2\n"}
    destination = open_entry(receiver.entry(), desk.resources)
    assert isinstance(destination, Removing)
    removal = destination.remove(placing_of(receipt, first))
    assert "leads_part_1.csv" in removal.removed
    assert kept() == {b"id\n2\n"}
    assert receiver.arrived()["leads_part_1.csv"] == b"id\n2\n"
