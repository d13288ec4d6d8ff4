"""What attempts left that did not arrive is taken back with an artifact, or named."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.erasure.erase import Eraser, Erasure
from export_pipelines.errors import RetryableError, StoreError
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.pipeline import deliver
from export_pipelines_servers import age
from export_pipelines_servers.receivers import FolderReceiver, Receiver
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.conftest import desk, home, open_receiver  # noqa: F401
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.delivery.encryption.test_retries import fails_after_the_first_file
from export_pipelines_tests.delivery.test_kill_deliveries import attempt
from export_pipelines_tests.preloaded import forking

MOST_KILLS, LARGE = 12, 20 << 20
OWN = (".export_pipelines-lock",)


def erased(desk: Desk, artifact: str) -> Erasure:  # noqa: F811
    ledger = desk.ledger
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    return Eraser(store, ledger, "ana", lambda: AT, desk.resources).erase(artifact, {"why": "artifact"})


def left_at(receiver: Receiver) -> list[str]:
    return [*receiver.arrived(), *(name for name in receiver.debris() if name not in OWN)]


def killed_on_its_way(desk: Desk, artifact: str, entry: Any, receiver: Receiver) -> None:  # noqa: F811
    """An attempt that is killed as soon as anything of it can be seen."""
    context = forking()
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(
        target=attempt, args=(desk.home, dict(desk.environment), desk.at, (artifact, entry), sending)
    )
    process.start()
    assert receiving.recv() == "begins"
    while process.is_alive() and not left_at(receiver):
        time.sleep(0.001)
    process.kill()
    process.join()


@pytest.mark.parametrize("kind", ["folder", "s3", "sftp (OpenSSH)", "sftp (asyncssh)"])
def test_what_a_killed_delivery_left_is_taken_back(
    desk: Desk,  # noqa: F811
    open_receiver: Callable[[str], Any],  # noqa: F811
    kind: str,
) -> None:
    receiver, partial = open_receiver(kind), 0
    for number in range(MOST_KILLS):
        desk.at = AT + timedelta(days=number)
        files = {"a.csv": b"a\n%d\n" % number, "b.bin": bytes([number]) * LARGE, "c.csv": b"c\n"}
        made = stored(desk.store, files, token=f"{desk.at:%Y%m%dT%H%M%SZ}-0a1b2c", at=desk.at)
        killed_on_its_way(desk, made.artifact, receiver.entry(), receiver)
        states = {delivery.state for delivery in desk.ledger.deliveries(artifact=made.artifact)}
        partial += bool(left_at(receiver)) and states != {"delivered"}
        assert erased(desk, made.artifact).is_complete
        assert left_at(receiver) == [], states
        if partial == 2:
            return
    pytest.fail("the moments came too late")


@pytest.mark.parametrize("release", ["this", "earlier"])
def test_the_first_files_of_a_set_are_taken_back(
    desk: Desk,  # noqa: F811
    tmp_path: Path,
    release: str,
) -> None:
    """An earlier release did not say in the journal of a delivery what it put there."""
    folder, made, (first, second) = FolderReceiver(tmp_path / "receiver"), stored(desk.store), PARTS
    (folder.folder / "in" / second).mkdir(parents=True)
    (folder.folder / "in" / "mine.csv").write_text("of somebody else")
    with pytest.raises(StoreError):
        desk.send(made, folder.entry())
    assert (folder.folder / "in" / first).exists()
    if release == "earlier":
        with desk.ledger.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM journal")
    (copy,) = erased(desk, made.artifact).copies
    assert first in copy.removal.removed and copy.places == (str(folder.folder / "in"),)
    assert {path.name for path in (folder.folder / "in").iterdir()} - {*OWN} == {second, "mine.csv"}


def test_what_a_later_artifact_delivered_too_stays(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    folder = FolderReceiver(tmp_path / "receiver")
    first = stored(desk.store)
    desk.send(first, folder.entry())
    names = list(PARTS)
    later = {names[0]: PARTS[names[0]], names[1]: b"id,email\n3,c\n"}
    second = stored(desk.store, later, token="20240117T020000Z-0a1b2c", at=AT + timedelta(days=1))
    desk.send(second, folder.entry())
    (copy,) = erased(desk, first.artifact).copies
    assert copy.removal.left[names[0]] == f"it is the copy of {second.artifact} too"
    assert set(folder.arrived()) == {*later, "daily.manifest.json"}


def test_what_a_later_artifact_delivered_stays_though_it_was_sent_again_in_vain(
    desk: Desk,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder = FolderReceiver(tmp_path / "receiver")
    first = stored(desk.store)
    desk.send(first, folder.entry())
    second = stored(desk.store, token="20240117T020000Z-0a1b2c", at=AT + timedelta(days=1))
    desk.send(second, folder.entry(), again=True)
    delivery = desk.due(second, folder.entry())
    with pytest.raises(RetryableError), desk.ledger.claim(delivery, lambda: AT, again=True):
        raise RetryableError("the disk is full")
    erased(desk, first.artifact)
    assert set(folder.arrived()) == {*PARTS, "daily.manifest.json"}


def test_what_was_handed_over_before_an_attempt_failed_is_named(
    desk: Desk,  # noqa: F811
    open_receiver: Callable[[str], Any],  # noqa: F811
) -> None:
    receiver, made = open_receiver("webhook"), stored(desk.store)
    fails_after_the_first_file(receiver.inbox)
    with pytest.raises(RetryableError):
        desk.send(made, receiver.entry())
    (copy,) = erased(desk, made.artifact).copies
    assert list(copy.removal.left.values()) == [
        "it was handed over, and nothing can be taken back from there"
    ]


def test_an_encrypted_copy_is_taken_back_and_the_files_that_wait_for_the_next_attempt(
    desk: Desk,  # noqa: F811
    tmp_path: Path,
    open_receiver: Callable[[str], Any],  # noqa: F811
) -> None:
    """Also when its key is gone: nothing is encrypted."""
    encrypt = {"age": [age.new_identity(tmp_path / "identity")]}
    folder, receiver = FolderReceiver(tmp_path / "receiver"), open_receiver("webhook")
    made = stored(desk.store)
    delivered, waiting = folder.entry(encrypt=encrypt), receiver.entry(encrypt=encrypt)
    desk.ledger.register(made, [delivered, waiting], None, AT)  # type: ignore[list-item]
    fails_after_the_first_file(receiver.inbox)
    for delivery in desk.ledger.deliveries(artifact=made.artifact):
        try:
            deliver(delivery.id, desk.ledger, desk.resources, lambda: AT)
        except RetryableError:
            assert delivery.kind == "webhook"
    assert folder.arrived() and list((desk.home / "encrypted").iterdir())
    erasure = erased(desk, made.artifact)
    assert erasure.is_complete and folder.arrived() == {}
    assert list((desk.home / "encrypted").iterdir()) == []
