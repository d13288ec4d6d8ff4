"""What must be gone is gone, wherever it lies; what is on hold stays; and the record of it is proven by the audit."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from export_pipelines.artifacts.sealing import MasterKeys, SealedStore, sealed_store
from export_pipelines.delivery import Receipt
from export_pipelines.erasure import retention
from export_pipelines.erasure.erase import Eraser
from export_pipelines.erasure.record import erasure_record
from export_pipelines.errors import SealedArtifact
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.ledger.verify_audit import verify_chain
from export_pipelines.project import Project as Opened
from export_pipelines.sample import generate_leads
from export_pipelines_servers.fault_proxy import Fault, fault_proxy
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.cli.test_commands import data
from export_pipelines_tests.conftest import DAILY, NOW, Answer, Project
from export_pipelines_tests.delivery.desk import Desk

Terminal = Callable[..., Answer]
DAY, NEXT = "2024-01-15", "2024-01-16"
EVENTS = "type: event\nformat: ndjson\nfields: [event_id, occurred_at]\npartition: daily\nstart: 2024-01-01\n"
REPORT = (
    "type: report\nformat: csv\nmetrics: [leads]\ngroup_by: [state]\npartition: daily\nstart: 2024-01-01\n"
)
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


@pytest.fixture
def sealed(project: Project) -> Project:
    keys = {"MASTER_KEY": "m" * 32, "AUDIT_KEY": "a" * 32}
    project.environment.update({f"EXPORT_PIPELINES_{name}": key for name, key in keys.items()})
    return project


def opened(project: Project) -> Opened:
    return Opened.open(project.folder, project.environment, lambda: NOW)


def run(project: Project, export: str = "daily", day: str = DAY) -> str:
    """The artifact of a run, of which Dagster knows nothing."""
    return opened(project).run(export, day).manifest.artifact


def ledger_of(project: Project) -> Ledger:
    return open_ledger(f"sqlite:///{project.home / 'ledger.db'}")


def delivered(project: Project, day: str = DAY) -> Path:
    return project.home / "delivered" / "daily" / day


def leads_of(project: Project, day: str = DAY) -> list[str]:
    lines = (delivered(project, day) / "leads_part_1.csv").read_text().splitlines()
    return [line.partition(",")[0] for line in lines[1:]]


def with_events(project: Project) -> str:
    """A lead of the day to which something happened on the day; the project has a source with events from now on."""
    url = f"sqlite:///{project.folder / 'events.db'}"
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = url
    generate_leads(url, 40, 7, date(2024, 1, 14), 4, events=True)
    day = f"{DAY}%"
    query = (
        "SELECT lead_id FROM leads WHERE submitted_at LIKE ? AND lead_id IN "
        "(SELECT lead_id FROM events WHERE occurred_at LIKE ?)"
    )
    with closing(sqlite3.connect(project.folder / "events.db")) as connection:
        return str(connection.execute(query, [day, day]).fetchone()[0])


def listed(terminal: Terminal) -> set[str]:
    return {str(item["artifact"]) for item in data(terminal("artifacts", "--json"))}


# --- erase ---------------------------------------------------------------------------------------------------------


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


# --- what was not reached ------------------------------------------------------------------------------------------


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


# --- of a lead -----------------------------------------------------------------------------------------------------


def test_a_lead_is_erased_wherever_it_was_exported(sealed: Project, terminal: Terminal) -> None:
    """Also where its id is no column of the file."""
    lead = with_events(sealed)
    sealed.write("events", EVENTS)
    sealed.write("report", REPORT)
    sealed.write("emails", DAILY.replace("lead_id, ", "").partition("deliver:")[0])
    day, other = run(sealed), run(sealed, day=NEXT)
    emails, events, report = (run(sealed, name) for name in ("emails", "events", "report"))
    chosen = set(data(terminal("erase", "--lead", lead, "--dry-run", "--json")))
    assert chosen == {day, emails, events}
    for each in leads_of(sealed):
        assert day in data(terminal("erase", "--lead", each, "--dry-run", "--json"))
    assert terminal("erase", "--lead", lead, "--yes").code == 0
    assert listed(terminal) == {other, report}
    assert "nothing to erase" in terminal("erase", "--lead", lead, "--yes").stderr
    for entry in ledger_of(sealed).audit():
        assert lead not in json.dumps([entry.subject, dict(entry.detail)])


def test_artifacts_of_which_nobody_knows_are_named(project: Project, terminal: Terminal) -> None:
    before = run(project)
    assert terminal("erase", "--lead", "x").code == 2  # no master key, so no index
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    after = run(project)
    answer = terminal("erase", "--lead", leads_of(project)[0], "--yes")
    assert answer.code == 1
    said = f"error: {before}: it has no index of all leads (artifacts seal makes one)"
    assert said in answer.stderr
    assert listed(terminal) == {before}
    assert after in answer.stdout


def test_a_lead_is_erased_where_the_artifact_was_sealed_later(project: Project, terminal: Terminal) -> None:
    """The first and the last of the day; what cannot be read back is named until it is erased by its name."""
    sheet = DAILY.replace("format: csv", "format: xlsx").partition("deliver:")[0]
    project.write("sheet", sheet)
    day, other, book = run(project), run(project, day=NEXT), run(project, "sheet")
    first, *_, last = leads_of(project)
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    answer = terminal("artifacts", "seal", "--all")
    assert answer.stdout == "3 artifacts sealed, 0 were sealed before\n"
    assert answer.stderr.count("leads indexed: ") == 2
    unknown = f"no index of leads: {book}: xlsx is not read back; erase --lead cannot look into it"
    assert unknown in answer.stderr
    again = terminal("artifacts", "seal", "--all")
    assert again.stdout == "0 artifacts sealed, 3 were sealed before\n" and again.stderr == f"{unknown}\n"
    changes = [entry.detail["change"] for entry in ledger_of(project).audit("key changed")]
    assert sorted(changes) == ["leads indexed"] * 2 + ["sealed"] * 3
    for lead in (first, last):
        answer = terminal("erase", "--lead", lead, "--dry-run", "--json")
        assert answer.code == 1 and data(Answer(0, answer.stdout, "")) == [day]
        assert f"error: {book}: it has no index of all leads (xlsx is not read back)" in answer.stderr
    assert terminal("erase", "--lead", last, "--yes").code == 1
    assert listed(terminal) == {other, book}
    assert terminal("erase", book, "--yes").code == 0
    assert "nothing to erase" in terminal("erase", "--lead", last, "--yes").stderr


def test_the_index_outlives_a_rotation(sealed: Project, terminal: Terminal) -> None:
    artifact, lead = run(sealed), None
    lead = leads_of(sealed)[0]
    sealed.environment["EXPORT_PIPELINES_MASTER_KEY_2"] = "n" * 32
    assert terminal("master-key", "rotate").stdout == "1 data key wrapped anew\n"
    del sealed.environment["EXPORT_PIPELINES_MASTER_KEY"]
    assert data(terminal("erase", "--lead", lead, "--dry-run", "--json")) == [artifact]


# --- on hold -------------------------------------------------------------------------------------------------------


def test_what_is_on_hold_is_neither_erased_nor_swept(sealed: Project, terminal: Terminal) -> None:
    sealed.write("daily", DAILY + "retention: 1 day\n")
    artifact, other = run(sealed), run(sealed, day=NEXT)
    assert terminal("hold", artifact, "--reason", "claim 12").code == 0
    answer = terminal("erase", other, artifact, "--yes")
    assert answer.code == 2
    assert f"{artifact} is on hold: hold 1 on {artifact}" in answer.stderr and "claim 12" in answer.stderr
    assert listed(terminal) == {artifact, other}
    (denied,) = ledger_of(sealed).audit("denied")
    assert (denied.subject, denied.detail["code"]) == (artifact, "on_hold")
    assert "claim 12" in terminal("hold", "--list").stdout
    assert [item["subject"] for item in data(terminal("hold", "--list", "--json"))] == [artifact]
    assert terminal("hold", artifact, "--release").code == 0
    assert terminal("erase", artifact, "--yes").code == 0
    assert terminal("hold", artifact, "--release").code == 2
    changes = [entry.detail["change"] for entry in ledger_of(sealed).audit("hold")]
    assert changes == ["placed", "released"]


def test_retention_leaves_what_is_on_hold(sealed: Project, terminal: Terminal) -> None:
    sealed.write("daily", DAILY.replace("start:", "retention: 1 day\nstart:"))
    held, gone = run(sealed), run(sealed, day=NEXT)
    assert terminal("hold", held, "--reason", "claim 12").code == 0
    later = opened(sealed)
    then = NOW + timedelta(days=3)
    assert retention.sweep(
        later.loaded.definitions, later.store, later.ledger, then, later.settings.home
    ) == [gone]
    assert listed(terminal) == {held}
    assert (delivered(sealed, NEXT) / "leads_part_1.csv").exists()
    entries = ledger_of(sealed).audit("erased")
    assert [(entry.actor, entry.subject, entry.outcome) for entry in entries] == [
        ("retention", gone, "started"),
        ("retention", gone, "done"),
    ]


def test_a_lead_on_hold_holds_each_artifact_with_it_and_each_that_cannot_tell(
    project: Project, terminal: Terminal
) -> None:
    plain = run(project)
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    held, free = run(project), run(project, day=NEXT)
    lead = leads_of(project)[0]
    answer = terminal("hold", "--lead", lead, "--reason", "claim 13")
    assert answer.code == 0 and "1 artifact hold" in answer.stderr and lead not in answer.stdout
    for artifact, code in ((held, 2), (plain, 2), (free, 0)):
        assert terminal("erase", artifact, "--yes").code == code, artifact
    again = run(project)
    assert terminal("erase", again, "--yes").code == 2
    assert terminal("hold", "--lead", lead, "--release").code == 0
    assert terminal("erase", held, plain, again, "--yes").code == 0


def test_a_hold_needs_a_reason_and_something_to_hold(sealed: Project, terminal: Terminal) -> None:
    artifact = run(sealed)
    for arguments in (
        (artifact,),
        (),
        (artifact, "--lead", "x", "--reason", "y"),
        ("z/y/x", "--reason", "y"),
    ):
        assert terminal("hold", *arguments).code == 2, arguments
    assert terminal("hold", "--list").stdout == "nothing is on hold\n"


# --- the record, and the key ---------------------------------------------------------------------------------------


def test_the_record_is_printed_again_and_proven_by_the_audit(sealed: Project, terminal: Terminal) -> None:
    artifact = run(sealed)
    sha256 = opened(sealed).store.manifest(artifact).parts[0].sha256
    assert terminal("erase", "--record", artifact).code == 2
    assert terminal("erase", artifact, "--yes").code == 0
    text = terminal("erase", "--record", artifact).stdout
    for words in (artifact, sha256, "its data key was destroyed", "2 files removed", "audit entry"):
        assert words in text
    (record,) = data(terminal("erase", "--record", artifact, "--json"))
    assert (record["outcome"], record["what"]["parts"]) == ("done", {"leads_part_1.csv": sha256})
    assert terminal("audit", "verify").code == 0
    with ledger_of(sealed).engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE action = 'erased'")
    assert terminal("audit", "verify").code == 1


def test_no_byte_of_the_key_is_left_in_the_ledger_or_in_backups_made_after(
    sealed: Project, terminal: Terminal, tmp_path: Path
) -> None:
    artifact, kept = run(sealed), run(sealed, day=NEXT)
    project = opened(sealed)
    keys, masters = LedgerKeys(lambda: project.ledger.engine), MasterKeys.of(project.settings.master_key)
    wrapped, other = keys.get(artifact), keys.get(kept)
    assert wrapped and other and masters
    key = masters.unwrap(wrapped)
    stolen = tmp_path / "stolen"
    shutil.copytree(sealed.home / "artifacts" / artifact, stolen)
    secrets = [
        key,
        wrapped.wrapped,
        *(wrapped.wrapped[at : at + 8] for at in range(len(wrapped.wrapped) - 7)),
    ]
    everything = b"".join(path.read_bytes() for path in sealed.home.glob("ledger.db*") if path.is_file())
    assert wrapped.wrapped in everything
    assert terminal("erase", artifact, "--yes").code == 0
    with closing(sqlite3.connect(sealed.home / "ledger.db")) as source:
        with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            source.backup(backup)
        source.execute(f"VACUUM INTO '{tmp_path / 'compact.db'}'")
    files = [path for path in (*sealed.home.rglob("*"), *tmp_path.glob("*.db*")) if path.is_file()]
    assert any(other.wrapped in path.read_bytes() for path in files)
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
    shutil.copytree(stolen, sealed.home / "artifacts" / artifact)
    store = sealed_store(opened(sealed).store)
    with pytest.raises(SealedArtifact, match="its key is not in this ledger"):
        store.open(artifact, "leads_part_1.csv")
    answer = terminal("artifacts", "daily")
    assert f"unreadable: {artifact}: data key missing" in answer.stderr and "damaged" not in answer.stderr


def test_a_store_whose_ledger_is_gone_lists_sealed_artifacts_as_unreadable(
    sealed: Project, terminal: Terminal
) -> None:
    artifact = run(sealed)
    for path in sealed.home.glob("ledger.db*"):
        if path.is_file():
            path.unlink()
    answer = terminal("artifacts", "daily")
    assert answer.code == 0
    assert f"unreadable: {artifact}: data key missing" in answer.stderr and "damaged" not in answer.stderr
    (item,) = data(terminal("artifacts", "daily", "--json"))
    assert "data key missing" in item["unreadable"] and item["damaged"] is None
    assert terminal("verify", artifact).code == 0  # what is stored is what was stored


# --- artifacts seal ------------------------------------------------------------------------------------------------


def test_what_lay_there_in_clear_is_sealed_where_it_lies(project: Project, terminal: Terminal) -> None:
    first, second = run(project), run(project, day=NEXT)
    assert terminal("artifacts", "seal", first).code == 2  # no master key
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    assert terminal("artifacts", "seal").code == 2
    assert terminal("artifacts", "seal", first).stdout == "1 artifact sealed, 0 were sealed before\n"
    assert terminal("artifacts", "seal", "--all").stdout == "1 artifact sealed, 1 were sealed before\n"
    for artifact in (first, second):
        files = [path.read_bytes() for path in (project.home / "artifacts" / artifact).iterdir()]
        assert not any(b"lead_id," in content for content in files)
        assert terminal("verify", artifact).code == 0
    before = (delivered(project) / "leads_part_1.csv").read_bytes()
    shutil.rmtree(delivered(project))
    assert terminal("deliver", first, "--again").code == 0
    assert (delivered(project) / "leads_part_1.csv").read_bytes() == before
