"""Copies that are not reached, erasures that are killed, artifacts that are damaged: the same command goes on."""

from pathlib import Path

import pytest

from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.erasure.erase import Eraser
from export_pipelines.erasure.record import unfinished
from export_pipelines.errors import RequestError
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines_servers.fault_proxy import Fault, fault_proxy
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import DAILY, Project
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.erasure.erasing import NEXT, delivered, leads_of, ledger_of, listed, run

ALLOWED = """\
private_networks: [127.0.0.1]
variables: [TEST_S3_KEY, TEST_S3_SECRET]
buckets: [{bucket}]
hosts: [127.0.0.1]
"""
TO_BUCKET = """\
  - s3:
      bucket: {bucket}
      key: copy/
      endpoint_url: http://127.0.0.1:{port}
      access_key: {{env: TEST_S3_KEY}}
      secret_key: {{env: TEST_S3_SECRET}}
"""


def test_a_copy_that_was_not_reached_is_named_and_the_same_command_tries_it_again(
    sealed: Project, terminal: Terminal
) -> None:
    server, bucket = own_bucket()
    sealed.environment.update({"TEST_S3_KEY": KEY, "TEST_S3_SECRET": SECRET})
    (sealed.folder / "allowed.yaml").write_text(ALLOWED.format(bucket=bucket.name), encoding="utf-8")
    with fault_proxy(server.port) as proxy:
        sealed.write("daily", DAILY + TO_BUCKET.format(bucket=bucket.name, port=proxy.port))
        artifact, lead = run(sealed), leads_of(sealed)[0]
        assert [delivery.error for delivery in ledger_of(sealed).deliveries()] == [None, None]
        assert {entry.key for entry in bucket.list("copy/")} == {
            "copy/daily.manifest.json",
            "copy/leads_part_1.csv",
        }
        proxy.fault = Fault("refuse", times=1_000)
        for _ in range(2):
            answer = terminal("erase", "--lead", lead, "--yes")
            assert answer.code == 1
            assert f"error: a delivered copy is left at s3://{bucket.name}/copy/" in answer.stderr
            assert listed(terminal) == set() and not (delivered(sealed) / "leads_part_1.csv").exists()
        assert "would be tried again" in terminal("erase", artifact, "--dry-run").stderr
        proxy.fault = Fault()
        answer = terminal("erase", "--lead", lead, "--yes")
        assert answer.code == 0 and "2 delivered files removed at s3://" in answer.stderr
    assert list(bucket.list("copy/")) == []
    assert "nothing to erase" in terminal("erase", "--lead", lead, "--yes").stderr
    assert terminal("erase", artifact, "--yes").code == 2
    (record,) = data(terminal("erase", "--record", artifact, "--json"))
    assert [(copy["kind"], copy["removed"], copy["left"]) for copy in record["copies"]] == [
        ("folder", 2, 0),
        ("s3", 2, 0),
    ]
    assert terminal("audit", "verify").code == 0


def test_an_erasure_that_was_killed_goes_on(
    sealed: Project, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a lead, though the index of the artifact opens no more."""
    artifact, lead = run(sealed), leads_of(sealed)[0]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Eraser, "_forget_run", killed)
        assert terminal("erase", "--lead", lead, "--yes").code == 130
    assert listed(terminal) == {artifact}
    assert terminal("erase", "--lead", lead, "--yes").code == 0
    assert listed(terminal) == set()


def test_of_a_copy_whose_erasure_was_begun_for_another_reason_nobody_knows_its_leads(
    sealed: Project, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact, other = run(sealed), run(sealed, day=NEXT)
    lead, later = leads_of(sealed)[0], leads_of(sealed, NEXT)[0]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Eraser, "_take_back", killed)
        assert terminal("erase", artifact, "--yes").code == 130
    unknown = f"error: {artifact}: its erasure is not complete"
    for arguments in ((lead, "--dry-run"), (lead, "--yes"), (later, "--yes")):
        answer = terminal("erase", "--lead", *arguments)
        assert answer.code == 1 and unknown in answer.stderr, arguments
    assert (delivered(sealed) / "leads_part_1.csv").exists()
    assert listed(terminal) == {artifact} and other not in listed(terminal)
    assert terminal("erase", artifact, "--yes").code == 0
    assert "nothing to erase" in terminal("erase", "--lead", lead, "--yes").stderr


@pytest.mark.parametrize("on_hold", ["", "artifact", "lead"])
def test_an_artifact_with_a_damaged_manifest_is_erased_by_its_name(
    sealed: Project, terminal: Terminal, on_hold: str
) -> None:
    artifact, other = run(sealed), run(sealed, day=NEXT)
    leads = leads_of(sealed, NEXT)
    if on_hold:
        subject = {"artifact": (artifact,), "lead": ("--lead", leads[0])}[on_hold]
        assert terminal("hold", *subject, "--reason", "claim").code == 0
    (sealed.home / "artifacts" / artifact / "manifest.json").write_text("{")
    for choice in (("--lead", leads[0]), ("--before", "2024-02-01")):
        answer = terminal("erase", *choice, "--dry-run")
        assert answer.code == 1 and f"error: {artifact}: its manifest is damaged" in answer.stderr
    answer = terminal("erase", artifact, "--yes")
    if on_hold:
        assert answer.code == 2 and f"{artifact} is on hold" in answer.stderr
        return
    assert answer.code == 0, answer.stderr
    assert answer.stdout == f"{artifact}: erased, its key is destroyed\n"
    assert "2 delivered files removed" in answer.stderr
    assert not (sealed.home / "artifacts" / artifact).exists() and listed(terminal) == {other}
    keys = LedgerKeys(lambda: ledger_of(sealed).engine)
    assert keys.get(artifact) is None and keys.get(other) is not None
    assert "its manifest was damaged, sealed: its data key was destroyed" in (
        terminal("erase", "--record", artifact).stdout
    )


def test_of_a_damaged_artifact_copies_without_digests_are_left_and_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    made = stored(desk.store)
    receipt = desk.send(made, {"kind": "folder", "settings": {"path": "x", "overwrite": "replace"}})
    ledger = desk.ledger
    older = receipt.model_copy(update={"digests": {}}).to_json()
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET receipt = ?", (older,))
    (desk.home / "artifacts" / made.artifact / "manifest.json").write_text("{")
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    erasure = Eraser(store, ledger, "ana", lambda: AT, desk.resources).erase(
        made.artifact, {"why": "artifact"}
    )
    assert set(erasure.copies[0].removal.left.values()) == {
        "the manifest is damaged, so nobody knows what was delivered"
    }
    assert not erasure.sealed and erasure.is_complete
    assert not (desk.home / "artifacts" / made.artifact).exists()


def test_a_delivery_that_runs_meanwhile_leaves_the_erasure_incomplete(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    made, ledger = stored(desk.store), desk.ledger
    delivery = desk.due(made, {"kind": "folder", "settings": {"path": "x", "overwrite": "replace"}})
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    eraser = Eraser(store, ledger, "ana", lambda: AT, desk.resources)
    with ledger.locks.hold(ledger.delivery(delivery).lock_key):
        erasure = eraser.erase(made.artifact, {"why": "artifact"})
    assert not erasure.is_complete
    (record,) = unfinished(ledger)
    assert record.artifact == made.artifact


def test_a_copy_stays_known_when_it_was_sent_again_and_that_failed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")
    made, ledger = stored(desk.store), desk.ledger
    entry = {"kind": "folder", "settings": {"path": "x", "overwrite": "replace"}}
    receipt = desk.send(made, entry)
    with (
        pytest.raises(RequestError),
        ledger.claim(desk.due(made, entry), lambda: AT, again=True),
    ):
        raise RequestError("no such folder")
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    eraser = Eraser(store, ledger, "ana", lambda: AT, desk.resources)
    (copy,) = eraser.erase(made.artifact, {"why": "artifact"}).copies
    assert set(copy.removal.removed) == set(receipt.files)
