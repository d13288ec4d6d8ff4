"""An attempt after another: the same bytes go on, and never files of two encryptions side by side.

KILLS=20 in the environment kills at so many moments at each destination instead of two."""

import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.erasure.retention import sweep
from export_pipelines.errors import DamagedArtifact, RetryableError, StoreError, Uncertain
from export_pipelines.ledger.attempt import Attempt
from export_pipelines_servers.receivers import FolderReceiver, MailReceiver, Receiver, WebhookReceiver
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.delivery.encryption.conftest import Recipient
from export_pipelines_tests.delivery.test_kill_deliveries import KILLABLE, files_of, killed_attempt

MOMENTS = int(os.environ.get("KILLS", "2"))
MANIFEST = "daily.manifest.json"
NOT_NOW = (503, dict[str, str]())


@pytest.fixture
def webhook(open_receiver: Callable[[str], Any]) -> WebhookReceiver:
    receiver = open_receiver("webhook")
    assert isinstance(receiver, WebhookReceiver)
    return receiver


@pytest.fixture
def mail(open_receiver: Callable[[str], Any]) -> MailReceiver:
    receiver = open_receiver("email")
    assert isinstance(receiver, MailReceiver)
    return receiver


def staged(desk: Desk) -> list[Path]:
    return [path for path in (desk.home / "encrypted").rglob("*") if path.is_file()]


def fits(files: dict[str, bytes]) -> bool:
    """Whether the manifest is that of the files beside it."""
    listed = {part["name"]: part["sha256"] for part in json.loads(files[MANIFEST])["parts"]}
    return listed == {name: sha256(data).hexdigest() for name, data in files.items() if name != MANIFEST}


def fails_after_the_first_file(inbox: Any) -> None:
    """The server takes one file and then says 503, for one request."""
    post = inbox.posted
    inbox.posted = _Full(inbox, post)


class _Full(dict[str, Any]):
    """Says 503 to the request after the first that was taken."""

    def __init__(self, inbox: Any, taken: dict[str, Any]) -> None:
        super().__init__(taken)
        self.inbox = inbox

    def setdefault(self, key: str, default: Any = None) -> Any:
        if not self:
            self.inbox.answers.append(NOT_NOW)
        return super().setdefault(key, default)


def test_a_failed_attempt_keeps_the_files_for_the_next_which_sends_the_same_bytes(
    desk: Desk, webhook: WebhookReceiver, recipient: Recipient
) -> None:
    made, entry = stored(desk.store), webhook.entry(encrypt=recipient.encrypt)
    fails_after_the_first_file(webhook.inbox)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    kept = {path.name: path.read_bytes() for path in staged(desk)}
    assert set(kept) == {f"{name}{recipient.suffix}" for name in PARTS}
    assert {stat.S_IMODE(path.stat().st_mode) for path in staged(desk)} == {0o600}
    folders = [path for path in (desk.home / "encrypted").rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert not any(data in kept.values() for data in PARTS.values())
    desk.at += timedelta(hours=1)
    desk.send(made, entry)
    arrived = webhook.arrived()
    assert len(webhook.inbox.posted) == 3 and fits(arrived)
    assert {name: data for name, data in arrived.items() if name != MANIFEST} == kept
    assert staged(desk) == []


def test_files_that_are_gone_are_encrypted_anew_and_none_of_before_counts_as_sent(
    desk: Desk, webhook: WebhookReceiver, to_age: Recipient
) -> None:
    made, entry = stored(desk.store), webhook.entry(encrypt=to_age.encrypt)
    fails_after_the_first_file(webhook.inbox)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    shutil.rmtree(desk.home / "encrypted")
    desk.send(made, entry)
    assert len(webhook.inbox.posted) == 4  # the first file came twice, each under its own key
    assert fits(webhook.arrived()) and to_age.opened(webhook.arrived()) == PARTS


def test_a_key_that_changed_between_attempts_is_the_one_that_counts(
    desk: Desk, webhook: WebhookReceiver, to_pgp: Recipient, keys: Path
) -> None:
    made, entry = stored(desk.store), webhook.entry(encrypt=to_pgp.encrypt)
    fails_after_the_first_file(webhook.inbox)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    (keys / "partner.asc").write_bytes((keys / "second.asc").read_bytes())
    receipt = desk.send(made, entry)
    assert receipt.details["encrypted to"] == to_pgp.partner.fingerprint("second")
    assert fits(webhook.arrived())


def test_mails_of_two_encryptions_are_never_sent_without_a_word(
    desk: Desk, mail: MailReceiver, to_age: Recipient
) -> None:
    made = stored(desk.store, {"leads_part_1.csv": bytes(range(256)) * 1200})
    entry = mail.entry(encrypt=to_age.encrypt, max_size=150_000)
    taken = mail.post.envelopes
    mail.post.envelopes = _TakesOne(mail.post, taken)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    mail.post.answers.clear()
    assert len(mail.post.envelopes) == 1
    shutil.rmtree(desk.home / "encrypted")
    with pytest.raises(Uncertain, match="files of two attempts"):
        desk.send(made, entry)
    assert len(mail.post.envelopes) == 1
    desk.send(made, entry, again=True)
    assert len(mail.post.envelopes) > 3


class _TakesOne(list[tuple[list[str], bytes]]):
    """Of a server that says "not now" to every mail after the first."""

    def __init__(self, post: Any, taken: list[tuple[list[str], bytes]]) -> None:
        super().__init__(taken)
        self.post = post

    def append(self, item: tuple[list[str], bytes]) -> None:
        super().append(item)
        if len(self) == 1:
            self.post.answers["data"] = "451 not now"


def test_a_kept_file_that_was_changed_is_not_delivered(
    desk: Desk, webhook: WebhookReceiver, to_age: Recipient
) -> None:
    made, entry = stored(desk.store), webhook.entry(encrypt=to_age.encrypt)
    fails_after_the_first_file(webhook.inbox)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    (path,) = [path for path in staged(desk) if "part_2" in path.name]
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with pytest.raises(DamagedArtifact, match="leads_part_2"):
        desk.send(made, entry)
    assert staged(desk) == []
    desk.send(made, entry)
    assert fits(webhook.arrived()) and to_age.opened(webhook.arrived()) == PARTS


@pytest.mark.parametrize("overwrite", ["never", "version"])
def test_a_set_that_stands_whole_is_recognised_though_the_ledger_does_not_know(
    desk: Desk,
    folder: FolderReceiver,
    recipient: Recipient,
    monkeypatch: pytest.MonkeyPatch,
    overwrite: str,
) -> None:
    """The attempt dies between its last byte and the ledger's entry."""
    made, entry = stored(desk.store), folder.entry(encrypt=recipient.encrypt, overwrite=overwrite)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Attempt, "delivered", _dies)
        desk.send(made, entry)
    before = folder.arrived()
    assert fits(before) and staged(desk)
    receipt = desk.send(made, entry)
    assert folder.arrived() == before and receipt.target == str(folder.folder / "in")
    assert [path.name for path in folder.folder.iterdir()] == ["in"] and staged(desk) == []


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_end_for_good_leaves_nothing(desk: Desk, folder: FolderReceiver, recipient: Recipient) -> None:
    (desk.settings.root / "receiver").write_text("a file in the way")
    with pytest.raises(StoreError):
        desk.send(stored(desk.store), folder.entry(encrypt=recipient.encrypt))
    assert staged(desk) == []


def test_what_is_left_is_swept_a_day_later(desk: Desk) -> None:
    old, new = (desk.home / "encrypted" / name for name in ("old", "new"))
    for path in (old, new):
        path.mkdir(parents=True)
        (path / "leads.csv.age").write_bytes(b"x")
    _age(old)
    assert swept(desk, AT) == ["encrypted/old"]
    assert [path.name for path in (desk.home / "encrypted").iterdir()] == ["new"]


def _age(folder: Path) -> None:
    """As if it lay there for more than a day."""
    then = time.time() - 27 * 3600
    os.utime(folder, (then, then))


def swept(desk: Desk, at: datetime) -> list[str]:
    return sweep([], desk.store, desk.ledger, at, desk.home).removed


def test_files_that_another_attempt_needs_are_not_swept(
    desk: Desk, webhook: WebhookReceiver, recipient: Recipient
) -> None:
    """Though nobody was there to make it for longer than a day."""
    fails_after_the_first_file(webhook.inbox)
    made, entry = stored(desk.store), webhook.entry(encrypt=recipient.encrypt)
    with pytest.raises(RetryableError):
        desk.send(made, entry)
    sent, (delivery,) = set(webhook.arrived().values()), desk.ledger.deliveries()
    before = {path.name: path.read_bytes() for path in staged(desk)}
    _age(desk.home / "encrypted" / delivery.id)
    desk.at += timedelta(hours=30)
    assert swept(desk, desk.at) == []
    assert {path.name: path.read_bytes() for path in staged(desk)} == before
    desk.send(made, entry)
    assert sent < set(webhook.arrived().values()) and fits(webhook.arrived())


@pytest.fixture(params=KILLABLE)
def receiver(request: pytest.FixtureRequest, open_receiver: Callable[[str], Receiver]) -> Receiver:
    return open_receiver(request.param)


def test_a_killed_delivery_is_completed_by_the_next_attempt(
    desk: Desk, receiver: Receiver, pgp: object, request: pytest.FixtureRequest
) -> None:
    takes_s = 0.0
    for number in range(MOMENTS + 1):
        recipient = request.getfixturevalue("to_age" if number % 2 else "to_pgp")
        entry = receiver.entry(encrypt=recipient.encrypt)
        desk.at = AT + timedelta(days=number)
        files = files_of(number, entry["kind"])
        made = stored(desk.store, files, token=f"{desk.at:%Y%m%dT%H%M%SZ}-0a1b2c", at=desk.at)
        takes_s = killed_attempt(desk, made.artifact, entry, number, takes_s)
        desk.at += timedelta(hours=1)
        try:
            desk.send(made, entry)
        except Uncertain:
            assert entry["kind"] == "email"
            continue
        arrived = receiver.arrived()
        names = {f"{name}{recipient.suffix}" for name in files}
        sent = {name: data for name, data in arrived.items() if name in names}
        assert recipient.opened(sent) == files
        assert fits({**sent, MANIFEST: arrived[MANIFEST]})
        assert receiver.debris() == []
        assert arrivals(receiver, set(sent.values())) == len(files)


def arrivals(receiver: Receiver, files: set[bytes]) -> int:
    """How many files came that are among `files`: more than these are duplicates."""
    if isinstance(receiver, WebhookReceiver):
        return sum(posted.body in files for posted in receiver.inbox.posted.values())
    return sum(data in files for data in receiver.arrived().values())
