"""One definition never stops another: of thousands of changed definitions each loads or is broken by itself, with a fault
that names its file and line.

MUTATIONS=10000 in the environment tries so many instead of 75."""

import os
import re
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.check import OTHERS, check_all
from export_pipelines.definition.remembered import Known, remember
from export_pipelines_tests.orchestration.mutations import mutated
from export_pipelines_tests.orchestration.project import NOW, make_project

MUTATIONS = int(os.environ.get("MUTATIONS", "75"))
TOGETHER = 25  # files of one project
SEED = 20240115


@pytest.mark.parametrize("number", range(-(-MUTATIONS // TOGETHER)))
def test_a_changed_definition_loads_or_is_broken_by_itself(number: int, tmp_path: Path, source: Path) -> None:
    project = make_project(tmp_path, source)
    companion = project.opened().definition("daily")
    remember(project.settings.home, {"daily": Known.of(companion)})
    names = [f"m{place}" for place in range(TOGETHER)]
    for name, data in zip(names, mutated(TOGETHER, SEED + number), strict=True):
        (project.settings.definitions / f"{name}.yaml").write_bytes(data)
    loaded = project.opened().loaded
    assert companion in loaded.definitions
    assert {definition.name for definition in loaded.definitions} | set(loaded.broken) == {"daily", *names}
    for name, error in loaded.broken.items():
        _require_named(name, error.faults)
    definitions = project.definitions()
    dg.Definitions.validate_loadable(definitions)
    assert definitions.resolve_assets_def(dg.AssetKey(["lead", "daily"])).partitions_def is not None
    schedules = {schedule.name for schedule in definitions.schedules or []}
    assert {
        f"{definition.name}_schedule" for definition in loaded.definitions if definition.schedule
    } <= schedules
    faults = check_all(project.settings, load_catalog(None), loaded, now=lambda: NOW, environment={})
    for fault in faults:
        if fault.name not in OTHERS and fault.severity == "error":
            _require_named(fault.name, [fault.text])


def _require_named(name: str, faults: list[str] | tuple[str, ...]) -> None:
    for fault in faults:
        assert re.match(rf"[^\n]*/exports/{name}\.yaml:[1-9][0-9]*: ", fault), fault
        assert "please report it" not in fault and "Traceback" not in fault, fault
