"""Each run and each delivery asks anew: what was allowed before is not what is allowed now."""

import os
from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest

from export_pipelines.errors import Denied
from export_pipelines.orchestration import open_instance, redeliver
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.project import Project as OpenProject
from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.conftest import NOW, Answer, Project

Terminal = Callable[..., Answer]
TO_FOLDER = LEADS + 'deliver:\n  - folder: {path: "out/{{export}}/{{date}}"}\n'
BOSS = "  operator:\n    permissions: [view, create, download, admin]\n"


def opened(guarded: Project) -> OpenProject:
    """As Dagster has it: nobody asks."""
    return OpenProject.open(guarded.folder, guarded.environment, lambda: NOW)


def rewrite(guarded: Project, scope: str) -> None:
    """boss, who owns the export, may less from now on."""
    text = ACCESS.replace(BOSS, BOSS + f"    scope: {{{scope}}}\n")
    assert text != ACCESS
    (guarded.folder / "access.yaml").write_text(text, encoding="utf-8")


def written(guarded: Project, terminal: Terminal) -> str:
    """The one artifact, delivered by the rights of before."""
    guarded.write("leads", TO_FOLDER)
    answer = terminal("run", "leads", "--partition", "2024-01-01", "--as", "boss")
    assert answer.code == 0, answer.stderr
    return terminal("artifacts", "leads").stdout.splitlines()[1].split()[0]


BEYOND = {
    "flows: [Auto insurance]": "flows other than Auto insurance",
    "types: [report]": "exports of leads",
    "pii: {default: keep, email: hash}": "the column email",
    "days_back: 30": "rows before 2024-01-06",
    "max_rows: 10": "more than 10 rows",
    "destinations: {folder: [in/*]}": "folder out/{{export}}/{{date}}",
}
WITHIN = ("types: [lead]", "pii: {default: keep}", "max_rows: 100000", "destinations: {folder: [out/*]}")


def test_an_older_artifact_is_delivered_within_the_rights_of_today_alone(
    guarded: Project, terminal: Terminal
) -> None:
    artifact = written(guarded, terminal)
    for scope, said in BEYOND.items():
        rewrite(guarded, scope)
        answer = terminal("deliver", artifact, "--again", "--as", "boss")
        assert answer.code == 2 and said in answer.stderr, scope
        project = opened(guarded)
        (delivery,) = project.ledger.deliveries(artifact=artifact)
        with open_instance(project.settings, project.root, project.environment) as instance:
            done = redeliver(project, [delivery.id], again=True, instance=instance)  # as the sensor does
        (text,) = done.failures.values()
        assert "may not deliver it any more" in text and said in text
    for scope in WITHIN:
        rewrite(guarded, scope)
        answer = terminal("deliver", artifact, "--again", "--as", "boss")
        assert answer.code == 0, answer.stderr


def test_whoever_asks_for_a_delivery_needs_the_rights_too(guarded: Project, terminal: Terminal) -> None:
    artifact = written(guarded, terminal)
    for name in ("ana", "rita"):
        answer = terminal("deliver", artifact, "--again", "--as", name)
        assert answer.code == 2 and f"{name} may not deliver it any more" in answer.stderr


def test_a_narrow_artifact_goes_out_by_narrow_rights(guarded: Project, terminal: Terminal) -> None:
    guarded.write("leads", TO_FOLDER.replace("monthly", "daily"))
    assert terminal("run", "leads", "--partition", "2024-01-20", "--as", "ana").code == 0
    (artifact,) = (line.split()[0] for line in terminal("artifacts", "leads").stdout.splitlines()[1:])
    answer = terminal("deliver", artifact, "--again", "--as", "ana")
    assert answer.code == 0, answer.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("  boss: {roles: [operator]}\n", ""), 'unknown principal "boss"'),
        (
            ("boss: {roles: [operator]}", "boss: {roles: [operator], expires: 2024-01-31}"),
            "expired after 2024-01-31",
        ),
        ((BOSS, BOSS + "    scope: {pii: {default: remove}}\n"), "first_name is removed"),
    ],
)
def test_a_schedule_stops_at_its_next_tick_with_an_alert(
    guarded: Project, terminal: Terminal, change: tuple[str, str], said: str
) -> None:
    guarded.write("leads", LEADS + "schedule: monthly\n")
    (guarded.folder / "access.yaml").write_text(ACCESS.replace(*change), encoding="utf-8")
    project = opened(guarded)
    definitions = definitions_of(CodeLocation(project))
    with open_instance(guarded.settings, guarded.folder, os.environ) as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=NOW, repository_def=definitions.get_repository_def()
        )
        done = definitions.resolve_schedule_def("leads_schedule").evaluate_tick(context)
    assert not done.run_requests and said in str(done.skip_message)
    (alert,) = project.ledger.open_alerts()
    assert said in alert.text and alert.export == "leads"


def test_a_notebook_gets_what_its_asker_may(guarded: Project) -> None:
    guarded.write("leads", TO_FOLDER)
    project = replace(opened(guarded), asker="ana")
    outcome = project.run("leads", "2024-01-01")
    assert outcome.ok and outcome.manifest.rights["asker"] == "ana"
    frame = project.read(outcome.manifest.artifact)
    assert set(frame["flow_name"]) == {"Auto insurance"} and "first_name" not in frame
    with pytest.raises(Denied, match='rita has no role with the permission "create"'):
        replace(project, asker="rita").preview("leads", "2024-01-01")
