"""What partners get: files that gpg and age, Debian's programs, open to the very bytes of the artifact."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import DamagedArtifact
from export_pipelines_servers import age
from export_pipelines_servers.receivers import FolderReceiver, Receiver, S3Receiver
from export_pipelines_tests.artifacts.build import PARTS, stored
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.delivery.encryption.conftest import OURS, PASSPHRASE, Recipient

KINDS = ("folder", "sftp (OpenSSH)", "s3", "email", "webhook")
MANIFEST = "daily.manifest.json"


@pytest.fixture(params=KINDS)
def receiver(request: pytest.FixtureRequest, open_receiver: Callable[[str], Receiver]) -> Receiver:
    return open_receiver(request.param)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_every_part_opens_to_its_bytes_and_the_manifest_lists_what_was_delivered(
    desk: Desk, receiver: Receiver, recipient: Recipient
) -> None:
    made = stored(desk.store)
    receipt = desk.send(made, receiver.entry(encrypt=recipient.encrypt))
    arrived = receiver.arrived()
    assert recipient.opened(arrived) == PARTS
    assert set(arrived) == {*(f"{name}{recipient.suffix}" for name in PARTS), MANIFEST}
    listed = json.loads(arrived[MANIFEST])
    for part, plain in zip(listed["parts"], made.parts, strict=True):
        assert (part["bytes"], part["sha256"]) == (len(arrived[part["name"]]), sha256(arrived[part["name"]]))
        assert (part["plain_name"], part["plain_bytes"], part["plain_sha256"]) == (
            plain.name,
            plain.bytes,
            plain.sha256,
        )
    assert listed["bytes"] == receipt.bytes == sum(part["bytes"] for part in listed["parts"])
    assert receipt.sha256 == sha256(arrived[MANIFEST])
    assert receipt.details["plain manifest sha256"] == sha256(made.to_json())
    assert receiver.debris() == []
    assert not any((desk.home / "encrypted").iterdir())


def test_what_arrived_is_not_sent_twice(desk: Desk, folder: FolderReceiver, recipient: Recipient) -> None:
    made, entry = stored(desk.store), folder.entry(encrypt=recipient.encrypt)
    first, arrived = desk.send(made, entry), folder.arrived()
    assert desk.send(made, entry) == first
    assert folder.arrived() == arrived


def test_the_manifest_beside_encrypted_files_states_nothing_of_their_values(
    desk: Desk, folder: FolderReceiver, recipient: Recipient
) -> None:
    made = stored(desk.store)
    assert all(column.statistics for column in made.columns)
    desk.send(made, folder.entry(encrypt=recipient.encrypt))
    delivered = Manifest.from_json(folder.arrived()[MANIFEST], "delivered")
    assert [column.name for column in delivered.columns] == ["id"]
    assert b"statistics" not in folder.arrived()[MANIFEST]


def test_again_encrypts_anew_and_replaces_the_set(
    desk: Desk, folder: FolderReceiver, recipient: Recipient
) -> None:
    made, entry = stored(desk.store), folder.entry(encrypt=recipient.encrypt)
    desk.send(made, entry)
    before = folder.arrived()
    desk.send(made, entry, again=True)
    after = folder.arrived()
    assert recipient.opened(after) == PARTS and set(after) == set(before)
    assert not set(after.values()) & set(before.values())


def test_each_of_several_recipients_opens_it(desk: Desk, folder: FolderReceiver, to_pgp: Recipient) -> None:
    receipt = desk.send(stored(desk.store), folder.entry(encrypt={"pgp": ["partner.asc", "second.asc"]}))
    assert to_pgp.opened(folder.arrived()) == PARTS
    prints = [to_pgp.partner.fingerprint(name) for name in ("partner", "second")]
    assert receipt.details["encrypted to"] == ", ".join(prints)
    status = to_pgp.partner.status(folder.arrived()["leads_part_1.csv.gpg"])
    assert status.count("[GNUPG:] ENC_TO ") == 2


def test_recipients_of_age_are_its_own_keys_and_those_of_ssh(
    desk: Desk, folder: FolderReceiver, keys: Path
) -> None:
    makers = {"age": age.new_identity, "ed25519": age.new_ssh_identity}
    recipients = [make(keys / name) for name, make in makers.items()]
    recipients.append(age.new_ssh_identity(keys / "rsa", "rsa"))
    desk.send(stored(desk.store), folder.entry(encrypt={"age": recipients}))
    arrived = folder.arrived()
    for name in (*makers, "rsa"):
        assert age.opened(keys / name, arrived["leads_part_1.csv.age"]) == PARTS["leads_part_1.csv"]


def test_our_own_signature_is_good(desk: Desk, folder: FolderReceiver, to_pgp: Recipient) -> None:
    desk.environment["OUR_PASSPHRASE"] = PASSPHRASE
    signing = {"sign": "ours.asc", "passphrase": {"env": "OUR_PASSPHRASE"}}
    receipt = desk.send(stored(desk.store), folder.entry(encrypt={**to_pgp.encrypt, **signing}))
    print_ = to_pgp.partner.fingerprint(OURS)
    for name, data in folder.arrived().items():
        if name != MANIFEST:
            assert f"VALIDSIG {print_}" in to_pgp.partner.status(data)
    assert to_pgp.opened(folder.arrived()) == PARTS
    assert receipt.details["signed by"] == print_
    listed = json.loads(folder.arrived()[MANIFEST])
    assert listed["encryption"]["signed_by"] == print_
    assert not any((desk.home / "encrypted").iterdir())


def test_nothing_of_a_path_is_in_what_was_encrypted(
    desk: Desk, folder: FolderReceiver, to_pgp: Recipient
) -> None:
    desk.send(stored(desk.store), folder.entry(encrypt=to_pgp.encrypt))
    packets = to_pgp.partner.packets(folder.arrived()["leads_part_1.csv.gpg"])
    assert 'name=""' in packets and "leads_part" not in packets
    assert "compressed packet" not in packets


def test_a_key_of_s3_that_names_files_gets_the_suffix(
    desk: Desk, open_receiver: Callable[[str], Any], to_pgp: Recipient
) -> None:
    receiver = open_receiver("s3")
    assert isinstance(receiver, S3Receiver)
    desk.send(stored(desk.store), receiver.entry(encrypt=to_pgp.encrypt, key="in/d_{{part}}.{{ext}}"))
    assert set(receiver.arrived()) == {"d_1.csv.gpg", "d_2.csv.gpg", MANIFEST}


def test_a_part_without_bytes_is_encrypted_too(
    desk: Desk, folder: FolderReceiver, recipient: Recipient
) -> None:
    desk.send(stored(desk.store, {"leads_part_1.csv": b""}), folder.entry(encrypt=recipient.encrypt))
    assert recipient.opened(folder.arrived()) == {"leads_part_1.csv": b""}


def test_a_damaged_artifact_is_not_delivered_and_leaves_nothing(
    desk: Desk, folder: FolderReceiver, recipient: Recipient
) -> None:
    made = stored(desk.store)
    path = desk.home / "artifacts" / made.artifact / "leads_part_2.csv"
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with pytest.raises(DamagedArtifact, match=r"leads_part_2\.csv"):
        desk.send(made, folder.entry(encrypt=recipient.encrypt))
    assert folder.arrived() == {}
    assert not any((desk.home / "encrypted").iterdir())


def test_a_mail_in_pieces_is_put_together_and_opened(
    desk: Desk, open_receiver: Callable[[str], Any], to_age: Recipient
) -> None:
    parts = {"leads_part_1.csv": bytes(range(256)) * 1200}
    receiver = open_receiver("email")
    desk.send(stored(desk.store, parts), receiver.entry(encrypt=to_age.encrypt, max_size=150_000))
    pieces = {
        str(file.get_filename()): file.get_payload(decode=True)
        for mail in receiver.post.messages
        for file in mail.iter_attachments()
    }
    whole = b"".join(pieces[name] for name in sorted(pieces) if name != MANIFEST)
    assert len(pieces) > 3 and to_age.open(whole) == parts["leads_part_1.csv"]
    assert sha256(whole) == json.loads(pieces[MANIFEST])["parts"][0]["sha256"]


def test_another_identity_opens_nothing(
    desk: Desk, folder: FolderReceiver, to_age: Recipient, keys: Path
) -> None:
    desk.send(stored(desk.store), folder.entry(encrypt=to_age.encrypt))
    age.new_identity(keys / "other")
    with pytest.raises(AssertionError, match="no identity matched"):
        age.opened(keys / "other", folder.arrived()["leads_part_1.csv.age"])
