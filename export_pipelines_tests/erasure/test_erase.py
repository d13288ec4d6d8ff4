"""What must be gone is gone, wherever it lies; what is somebody else's stays."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.delivery import Receipt
from export_pipelines.erasure.erase import Eraser
from export_pipelines.erasure.record import erasure_record
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.ledger.verify_audit import verify_chain
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import DAILY, Project
from export_pipelines_tests.delivery.desk import Desk
from export_pipelines_tests.erasure.erasing import (
    DAY,
    delivered,
    ledger_of,
    listed,
    run,
)


def test_an_erased_artifact_is_gone_with_its_copies_and_its_run(sealed: Project, terminal: Terminal) -> None:
    assert terminal("run", "daily", "--partition", DAY).code == 0
    (artifact,) = listed(terminal)
    assert (delivered(sealed) / "daily.manifest.json").exists()
    (delivered(sealed) / "mine.txt").write_text("of somebody else")
    answer = terminal("erase", artifact, "--yes")
    assert answer.code == 0, answer.stderr
    assert answer.stdout == f"{artifact}: erased, its key is destroyed\n"
    assert "2 delivered files removed at" in answer.stderr
    assert [path.name for path in delivered(sealed).iterdir() if not path.name.startswith(".")] == [
        "mine.txt"
    ]
    assert not (sealed.home / "artifacts" / artifact).exists()
    with closing(sqlite3.connect(sealed.home / "dagster" / "history" / "runs.db")) as runs:
        assert runs.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert terminal("erase", artifact, "--yes").code == 2


def test_a_copy_that_somebody_changed_stays(sealed: Project, terminal: Terminal) -> None:
    artifact = run(sealed)
    (delivered(sealed) / "leads_part_1.csv").write_text("mine now")
    answer = terminal("erase", artifact, "--yes")
    assert answer.code == 0
    assert "is not, or no longer, what was delivered" in answer.stderr
    assert (delivered(sealed) / "leads_part_1.csv").read_text() == "mine now"


def test_a_copy_that_is_of_another_artifact_too_stays(sealed: Project, terminal: Terminal) -> None:
    first, second = run(sealed), run(sealed)
    answer = terminal("erase", first, "--yes")
    assert f"it is the copy of {second} too" in answer.stderr
    assert (delivered(sealed) / "leads_part_1.csv").exists()
    assert "2 delivered files removed" in terminal("erase", second, "--yes").stderr


def test_after_an_erasure_the_same_files_are_delivered_anew(sealed: Project, terminal: Terminal) -> None:
    assert terminal("erase", run(sealed), "--yes").code == 0
    run(sealed)
    assert (delivered(sealed) / "leads_part_1.csv").exists()


def test_what_was_still_to_be_delivered_is_not_any_more(sealed: Project, terminal: Terminal) -> None:
    sealed.write("daily", DAILY.replace("folder: {path:", 'folder: {path: "/proc/nowhere/{{date}}"} #'))
    artifact = run(sealed)
    assert terminal("erase", artifact, "--yes").code == 0
    (delivery,) = ledger_of(sealed).deliveries(artifact=artifact, states=("withdrawn",))
    assert delivery.next_at is None
    (window,) = ledger_of(sealed).windows("daily")
    assert window.arrived


def test_of_two_ways_to_choose_one_is_taken(terminal: Terminal) -> None:
    for arguments in ((), ("a", "--lead", "b"), ("--lead", "b", "--before", DAY)):
        assert terminal("erase", *arguments, "--yes").code == 2


def test_everything_made_before_a_day(sealed: Project, terminal: Terminal) -> None:
    artifact = run(sealed)
    assert "nothing to erase" in terminal("erase", "--before", "2024-02-05", "--dry-run").stdout
    assert data(terminal("erase", "--before", "2024-02-06", "--dry-run", "--json")) == [artifact]
    assert listed(terminal) == {artifact}
    assert terminal("erase", "--before", "2024-02-06", "--yes").code == 0
    assert listed(terminal) == set()
    assert terminal("erase", "--before", "yesterday").code == 2


def test_copies_that_nobody_can_take_back_are_in_the_record_and_their_address_in_the_ledger(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path / "home", {"SMTP": "smtp://localhost"})
    ledger, made = desk.ledger, stored(desk.store)
    mail = {"to": ["ana@partner.example"], "from": "exports@acme.example", "smtp": {"env": "SMTP"}}
    delivery = desk.due(made, {"kind": "email", "settings": mail})
    with ledger.claim(delivery, lambda: AT) as attempt:
        attempt.receipt = Receipt(
            kind="email",
            target="ana@partner.example",
            artifact=made.artifact,
            files=("leads_part_1.csv",),
            bytes=1,
            sha256="",
            at=AT,
        )
    store = SealedStore(desk.store, LedgerKeys(lambda: ledger.engine), None)
    erasure = Eraser(store, ledger, "ana", lambda: AT, desk.resources).erase(
        made.artifact, {"why": "artifact"}
    )
    assert not erasure.sealed and erasure.is_complete
    assert set(erasure.copies[0].removal.left.values()) == {"nothing can be taken back from there"}
    text = "\n".join(erasure_record(ledger, made.artifact).lines())
    assert "copy by email at ana@partner.example: 1 file left (nothing can be taken back" in text
    assert "partner.example" not in "".join(json.dumps(dict(entry.detail)) for entry in ledger.audit())
    assert verify_chain(ledger.engine).faults == ()
