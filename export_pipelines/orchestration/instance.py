"""Dagster's instance of a project: its dagster.yaml in the project's root, its state in the settings' home."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import dagster as dg

from export_pipelines.files.locking import locked
from export_pipelines.files.private import make_folder
from export_pipelines.key_versions import PREFIX
from export_pipelines.orchestration.kept_storage import instance_from
from export_pipelines.settings import Settings

NEW_PROJECT = Path(__file__).parents[1] / "new_project"
DAGSTER_VARIABLE = PREFIX + "DAGSTER"  # dagster.yaml reads it


def open_instance(
    settings: Settings, root: Path, environment: MutableMapping[str, str] = os.environ
) -> dg.DagsterInstance:
    """The instance that `make ui` shows; `root` is the project's folder.

    Names the state's folder in `environment`, which must be the process's own, unless it is named there. A folder without
    a dagster.yaml is opened with that of a new project. The caller closes it (it is a context).
    """
    config = root if (root / "dagster.yaml").is_file() else NEW_PROJECT
    environment.setdefault("DAGSTER_HOME", str(root))
    folder = Path(environment.setdefault(DAGSTER_VARIABLE, str(settings.dagster_folder)))
    make_folder(folder)
    with locked(folder / ".opening"):  # of two first processes both would make Dagster's tables, and one fail
        instance = instance_from(str(config))
        instance.get_asset_keys(limit=1)
        instance.get_runs_count()
        instance.all_instigator_state()
    return instance
