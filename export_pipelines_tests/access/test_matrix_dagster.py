"""The doors that lead through Dagster, cell by cell against the model of matrix_model.py: schedule, launch from the UI,
backfill, retry and re-delivery.

CELLS=all tries every axis, with and without each permission, at each door; else each axis, or three of them at those that
run Dagster's ops, and the permission to create."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.definition.delivery import read_entry
from export_pipelines.errors import Denied
from export_pipelines.ledger import AuditAction
from export_pipelines.orchestration import backfill, redeliver
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.project import Project
from export_pipelines_tests.access import matrix_model as model
from export_pipelines_tests.access.matrix_model import AXES, PERMISSIONS, PLACES, Role, narrow_role
from export_pipelines_tests.access.test_matrix import CELL, CELL_REPORT, KEY, NOW, Bench

Cell = tuple[str | None, str | None]  # an axis that is narrow, and a permission that is missing
ALL: list[Cell] = [(axis, without) for axis in (None, *AXES) for without in (None, *PERMISSIONS)]
IS_FULL = os.environ.get("CELLS") == "all"
CELLS: list[Cell] = ALL if IS_FULL else [(None, "create"), *((axis, None) for axis in AXES)]
COSTLY: list[Cell] = (
    ALL if IS_FULL else [(None, "create"), ("types", None), ("pii", None), ("min_group", None)]
)
PATH = PLACES["folder"]
EXPORTS = {
    "leads": replace(CELL, limit=500),
    "report": CELL_REPORT,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Bench]:
    """With an artifact of each of EXPORTS, made and delivered when everybody might do everything."""
    bench = Bench(tmp_path_factory.mktemp("doors"), store_url)
    bench.set_policy([Role()], [Role()])
    for name, export in EXPORTS.items():
        bench.define(export, name)
        bench.define(export, f"due_{name}")
        file = bench.folder / "exports" / f"due_{name}.yaml"
        file.write_text(file.read_text().replace(PATH, f"{PATH}_due") + "schedule: monthly on 2 at 06:00\n")
    for name in EXPORTS:
        bench.made[name] = bench.project.run(name, KEY).manifest
    yield bench
    bench.project.ledger.engine.dispose()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Of a folder: a tick opens it once more by its reference."""
    with dg.DagsterInstance.local_temp(
        str(tmp_path), overrides={"telemetry": {"enabled": False}}
    ) as instance:
        yield instance


def export_of(cell: Cell) -> str:
    return "report" if cell[0] == "min_group" else "leads"


def denials(bench: Bench) -> int:
    return sum(1 for _ in bench.project.trail.log.entries(AuditAction.DENIED))


def require_as_modelled(bench: Bench, cell: Cell, door: Callable[[], bool], is_open: bool) -> None:
    """Whether the door opens, and that the audit says so where it does not."""
    before = denials(bench)
    assert door() == is_open, cell
    assert (denials(bench) > before) != is_open, cell


def test_a_schedule_asks_for_what_its_owner_may(bench: Bench, instance: dg.DagsterInstance) -> None:
    definitions = definitions_of(CodeLocation(bench.project), quiet=True)

    def tick(export: str) -> bool:
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=NOW.replace(day=2, hour=6),
            repository_def=definitions.get_repository_def(),
        )
        done = definitions.resolve_schedule_def(f"due_{export}_schedule").evaluate_tick(context)
        assert done.run_requests or "the schedule is stopped" in str(done.skip_message)
        return bool(done.run_requests)

    for cell in [(None, None), *CELLS]:
        owner, name = narrow_role(*cell), export_of(cell)
        bench.set_policy([owner], [Role()])
        is_open = model.answer([owner], None, EXPORTS[name], "create") is not None
        require_as_modelled(bench, cell, lambda: tick(name), is_open)  # noqa: B023


def test_a_launch_from_the_ui_acts_as_the_owner(bench: Bench, instance: dg.DagsterInstance) -> None:
    definitions = definitions_of(CodeLocation(bench.project), quiet=True)

    def launched(export: str) -> bool:
        job = definitions.resolve_job_def(export)
        options: dict[str, Any] = {"partition_key": KEY, "run_config": QUIET}
        return job.execute_in_process(instance=instance, raise_on_error=False, **options).success

    for cell in COSTLY:
        owner, name = narrow_role(*cell), export_of(cell)
        bench.set_policy([owner], [Role()])
        is_open = model.answer([owner], None, EXPORTS[name], "create") is not None
        require_as_modelled(bench, cell, lambda: launched(name), is_open)  # noqa: B023


def test_a_backfill_gives_whoever_asks_what_they_may(bench: Bench, instance: dg.DagsterInstance) -> None:
    project = replace(bench.project, asker="ask")

    def filled(export: str) -> bool:
        return not backfill(project, export, KEY, KEY, instance=instance, force=True).exit_code

    for cell in COSTLY:
        asker, name = narrow_role(*cell), export_of(cell)
        bench.set_policy([Role()], [asker])
        is_open = model.answer([Role()], [asker], EXPORTS[name], "create") is not None
        require_as_modelled(bench, cell, lambda: filled(name), is_open)  # noqa: B023


def test_a_retry_brings_an_older_artifact_by_the_rights_of_today(
    bench: Bench, instance: dg.DagsterInstance
) -> None:
    def sent(export: str) -> bool:
        (delivery,) = bench.project.ledger.deliveries(artifact=bench.made[export].artifact)
        return not redeliver(bench.project, [delivery.id], True, instance=instance).exit_code

    for cell in COSTLY:
        owner, name = narrow_role(*cell), export_of(cell)
        bench.set_policy([owner], [Role()])
        rows = bench.made[name].rows
        is_open = model.may_deliver([[owner]], EXPORTS[name], "folder", rows)
        require_as_modelled(bench, cell, lambda: sent(name), is_open)  # noqa: B023


def test_whoever_has_it_delivered_again_needs_the_rights(bench: Bench) -> None:
    project: Project = bench.project

    def may(export: str) -> bool:
        manifest = bench.made[export]
        (delivery,) = project.ledger.deliveries(artifact=manifest.artifact)
        try:
            project.require_deliverable(manifest, read_entry(delivery.entry), "ask")
        except Denied:
            return False
        return True

    for cell in CELLS:
        asker, name = narrow_role(*cell), export_of(cell)
        bench.set_policy([Role()], [asker])
        people = [[Role()], [asker]]
        is_open = model.may_deliver(people, EXPORTS[name], "folder", bench.made[name].rows)
        require_as_modelled(bench, cell, lambda: may(name), is_open)  # noqa: B023
