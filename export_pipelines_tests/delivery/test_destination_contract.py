"""What every destination owes, on its real server."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery import Receipt
from export_pipelines.delivery.removal import Removal, Removing
from export_pipelines.errors import DamagedArtifact, ExportError, RequestError, SettingsError
from export_pipelines_servers.receivers import Receiver
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry, placing_of

LATER = "20240117T020000Z-0a1b2c"
OTHER = {"leads_part_1.csv": b"id\n9\n"}


def parts_of(receiver: Receiver) -> dict[str, bytes]:
    return {name: data for name, data in receiver.arrived().items() if not name.endswith(".manifest.json")}


def test_every_part_arrives_byte_for_byte(desk: Desk, receiver: Receiver) -> None:
    receipt = desk.send(stored(desk.store), receiver.entry())
    assert parts_of(receiver) == PARTS
    assert receiver.debris() == []
    assert set(PARTS) <= set(receipt.files)
    assert receipt.bytes == sum(map(len, PARTS.values()))


def test_the_ledger_has_the_receipt_and_the_attempt(desk: Desk, receiver: Receiver) -> None:
    receipt = desk.send(stored(desk.store), receiver.entry())
    (row,) = desk.ledger.deliveries()
    assert (row.state, row.receipt, row.target, row.attempts) == ("delivered", receipt, receipt.target, 1)
    assert [attempt["outcome"] for attempt in desk.ledger.attempts(row.id)] == ["delivered"]


def test_what_arrived_is_not_sent_twice(desk: Desk, receiver: Receiver) -> None:
    made = stored(desk.store)
    first = desk.send(made, receiver.entry())
    assert desk.send(made, receiver.entry()) == first
    assert desk.ledger.deliveries()[0].attempts == 1
    assert parts_of(receiver) == PARTS


def test_the_same_files_of_a_window_are_not_sent_twice(desk: Desk, receiver: Receiver) -> None:
    first = desk.send(stored(desk.store), receiver.entry())
    later = stored(desk.store, token=LATER, at=AT + timedelta(days=1))
    assert desk.send(later, receiver.entry()) == first
    assert [(delivery.state, delivery.attempts) for delivery in desk.ledger.deliveries()] == [
        ("delivered", 0),
        ("delivered", 1),
    ]


def test_other_files_of_a_window_are_sent(desk: Desk, receiver: Receiver) -> None:
    desk.send(stored(desk.store), receiver.entry())
    desk.send(stored(desk.store, OTHER, token=LATER, at=AT + timedelta(days=1)), receiver.entry())
    assert parts_of(receiver)["leads_part_1.csv"] == OTHER["leads_part_1.csv"]


def test_a_file_without_bytes_arrives(desk: Desk, receiver: Receiver) -> None:
    desk.send(stored(desk.store, {"leads_part_1.csv": b""}), receiver.entry())
    assert parts_of(receiver) == {"leads_part_1.csv": b""}


@pytest.mark.parametrize("name", ["leads é 1.csv", "leads=1&2+3.csv"])
def test_names_arrive_as_they_are(desk: Desk, receiver: Receiver, name: str) -> None:
    desk.send(stored(desk.store, {name: b"id\n1\n"}), receiver.entry())
    assert parts_of(receiver) == {name: b"id\n1\n"}


def test_a_damaged_artifact_is_not_delivered(desk: Desk, receiver: Receiver) -> None:
    made = stored(desk.store)
    path = desk.home / "artifacts" / made.artifact / "leads_part_2.csv"
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with pytest.raises(DamagedArtifact, match=r"leads_part_2\.csv"):
        desk.send(made, receiver.entry())
    assert "leads_part_2.csv" not in receiver.arrived()
    assert receiver.debris() == []
    assert desk.ledger.deliveries()[0].state == "failed"


def test_check_leaves_nothing(desk: Desk, receiver: Receiver) -> None:
    open_entry(receiver.entry(), desk.resources).check()
    assert receiver.arrived() == {}
    assert receiver.debris() == []


def test_what_a_person_must_mend_is_told_at_check_and_fails_for_good(desk: Desk, receiver: Receiver) -> None:
    made = stored(desk.store)
    for what, entry in receiver.refused().items():
        with pytest.raises(ExportError) as told:
            desk.send(made, entry)
        assert not told.value.retryable, what
        with pytest.raises(RequestError):
            open_entry(entry, desk.resources).check()
        secrets = [value for value in desk.environment.values() if len(value) > 5]
        assert not any(secret in str(told.value) for secret in secrets), what
    assert {delivery.state for delivery in desk.ledger.deliveries()} == {"failed"}
    assert receiver.arrived() == {}


def test_the_target_is_told_without_a_secret(desk: Desk, receiver: Receiver) -> None:
    target = open_entry(receiver.entry(), desk.resources).target(stored(desk.store))
    assert target
    assert not any(value in target for value in desk.environment.values())


@pytest.mark.parametrize(("kind", "library"), [("s3", "boto3"), ("sftp", "paramiko")])
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, library: str
) -> None:
    for name in [
        module
        for module in sys.modules
        if module.startswith(("export_pipelines.delivery.", "export_pipelines.s3"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    settings = {
        "s3": {"bucket": "exports", "key": "x/"},
        "sftp": {"host": "h", "user": "u", "path": "p", "password": {"env": "P"}},
    }
    with pytest.raises(SettingsError, match=rf"{library} is not installed .*export-pipelines\[{kind}\]"):
        open_entry({"kind": kind, "settings": settings[kind]}, desk.resources)


def taken_back(destination: Removing, made: Manifest, receipt: Receipt) -> Removal:
    return destination.remove(placing_of(receipt, made))


def test_what_was_delivered_is_taken_back_and_nothing_else(desk: Desk, receiver: Receiver) -> None:
    """Also where the receipt is of an earlier release, which named no digests."""
    made = stored(desk.store)
    receipt = desk.send(made, receiver.entry())
    destination = open_entry(receiver.entry(), desk.resources)
    if not isinstance(destination, Removing):
        assert destination.kind in ("email", "webhook", "download")
        return
    arrived = receiver.arrived()
    for older in (receipt, receipt.model_copy(update={"digests": {}})):
        removal = taken_back(destination, made, older)
        assert (set(removal.removed), removal.left) == (set(arrived), {})
        assert receiver.arrived() == {}
        assert receiver.debris() == []
        assert taken_back(destination, made, older) == Removal()
        desk.send(made, receiver.entry(), again=True)
    desk.send(stored(desk.store, OTHER, token=LATER, at=AT + timedelta(days=1)), receiver.entry())
    replaced = receiver.arrived()
    removal = taken_back(destination, made, receipt)
    assert removal.removed == ()
    assert set(removal.left) <= set(replaced)
    assert receiver.arrived() == replaced
