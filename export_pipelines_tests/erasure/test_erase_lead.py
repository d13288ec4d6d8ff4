"""A lead is erased by the artifacts that contain it."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import date

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.sample import generate_leads
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import DAILY, Answer, Project
from export_pipelines_tests.erasure.erasing import (
    DAY,
    NEXT,
    leads_of,
    ledger_of,
    listed,
    run,
)
from export_pipelines_tests.preloaded import forking

EVENTS = "type: event\nformat: ndjson\nfields: [event_id, occurred_at]\npartition: daily\nstart: 2024-01-01\n"
REPORT = (
    "type: report\nformat: csv\nmetrics: [leads]\ngroup_by: [state]\npartition: daily\nstart: 2024-01-01\n"
)


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


def leave_parts(store: str) -> None:
    """A part as a run leaves it that is killed, and that another run could go on with."""
    staging = open_store(store).begin("other", DAY, "20240116T020000Z-0a1b2c").__enter__()
    part = staging.open_part("leads_part_1.csv")
    part.write(b"lead_id\n")
    part.finish()
    journal = staging.journal()
    assert journal is not None
    journal.write(b"{}")
    os._exit(0)


def test_parts_of_killed_runs_in_a_bucket_go_with_a_lead(
    sealed: Project, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, bucket = own_bucket()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    url = f"s3://{bucket.name}/kept?endpoint_url={server.endpoint_url}"
    sealed.environment["EXPORT_PIPELINES_STORE_URL"] = url
    bucket.put("kept/weekly/2024-01-01/20240101T000000Z-ffffff/leads_part_1.csv", b"finished", {})
    terminal("erase", "--lead", "L1", "--dry-run")
    assert list(bucket.list("kept/weekly/"))
    terminal("erase", "--lead", "L1", "--yes")
    assert list(bucket.list("kept/weekly/")) == []


def test_parts_of_killed_runs_of_any_export_go_with_a_lead(project: Project, terminal: Terminal) -> None:
    """Nobody knows which leads are in them."""
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    killed = forking().Process(target=leave_parts, args=(str(project.home / "artifacts"),))
    killed.start()
    killed.join()
    parts = list((project.home / "artifacts").rglob("leads_part_1.csv"))
    assert terminal("erase", "--lead", "x", "--dry-run").code == 0 and parts[0].exists()
    assert terminal("erase", "--lead", "x", "--yes").code == 0
    assert not parts[0].exists()


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
