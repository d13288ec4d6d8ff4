"""What is on hold stays."""

from datetime import timedelta

from export_pipelines.artifacts.lead_index import INDEX_NAME
from export_pipelines.erasure import retention
from export_pipelines_tests.cli.answers import Terminal, data
from export_pipelines_tests.conftest import DAILY, NOW, Project
from export_pipelines_tests.erasure.erasing import (
    NEXT,
    delivered,
    leads_of,
    ledger_of,
    listed,
    opened,
    run,
)


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
    swept = retention.sweep(later.loaded.definitions, later.store, later.ledger, then, later.settings.home)
    assert swept.removed == [gone]
    assert listed(terminal) == {held}
    assert (delivered(sealed, NEXT) / "leads_part_1.csv").exists()
    entries = ledger_of(sealed).audit("erased")
    assert [(entry.actor, entry.subject, entry.outcome) for entry in entries] == [
        ("retention", gone, "started"),
        ("retention", gone, "done"),
    ]


def test_a_lead_on_hold_holds_an_artifact_whose_index_is_lost(sealed: Project, terminal: Terminal) -> None:
    sealed.write("daily", DAILY.replace("start:", "retention: 1 day\nstart:"))
    artifact = run(sealed)
    assert terminal("hold", "--lead", "nobody", "--reason", "claim 12").code == 0
    (sealed.home / "artifacts" / artifact / INDEX_NAME).unlink()
    later = opened(sealed)
    sweep = (
        later.loaded.definitions,
        later.store,
        later.ledger,
        NOW + timedelta(days=3),
        later.settings.home,
    )
    assert retention.sweep(*sweep).removed == [] and listed(terminal) == {artifact}
    assert terminal("erase", "--lead", "nobody").code == 1
    assert "leads indexed: " in terminal("artifacts", "seal", "--all").stderr
    assert terminal("verify", artifact).code == 0
    assert retention.sweep(*sweep).removed == [artifact]


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
