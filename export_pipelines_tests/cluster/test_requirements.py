"""A worker starts only beside servers that all machines share, and with the versions of the daemon."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.cluster.launcher import VERSIONS
from export_pipelines.cluster.requirements import require_cluster
from export_pipelines.cluster.versions import definitions_digest, program_version
from export_pipelines.errors import SettingsError
from export_pipelines.settings import Settings
from export_pipelines_tests.check.test_cluster import GOOD
from export_pipelines_tests.cluster.conftest import LAUNCHER


def settings_of(folder: Path, **other: str) -> Settings:
    variables = {f"EXPORT_PIPELINES_{name}": value for name, value in {**GOOD, **other}.items()}
    return Settings.load(variables, folder)


@pytest.fixture
def in_postgresql(postgresql_url: str, tmp_path: Path) -> Iterator[Any]:
    """Opens an instance with its storage in PostgreSQL and the launcher that is asked for."""
    opened = []
    url = postgresql_url.replace("postgresql://", "postgresql+psycopg2://")

    def instance(launcher: dict[str, str] | None = LAUNCHER) -> dg.DagsterInstance:
        settings: dict[str, Any] = {
            "storage": {"postgres": {"postgres_url": url}},
            "telemetry": {"enabled": False},
        }
        settings |= {"run_launcher": launcher} if launcher else {}
        opened.append(dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings))
        return opened[-1]

    yield instance
    for one in opened:
        one.dispose()


def refusal(settings: Settings, instance: dg.DagsterInstance) -> str:
    with pytest.raises(SettingsError) as refused:
        require_cluster(settings, instance)
    return str(refused.value)


def test_a_worker_without_a_broker_is_refused(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert "no broker is named" in refusal(settings_of(tmp_path, BROKER_URL=""), instance)


def test_dagsters_storage_in_a_folder_is_refused(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        text = refusal(settings_of(tmp_path), instance)
    assert text.startswith("dagster.yaml: Dagster's storage is a folder of this machine")


def test_another_launcher_is_refused(in_postgresql: Any, tmp_path: Path) -> None:
    assert "starts them on the daemon's machine" in refusal(settings_of(tmp_path), in_postgresql(None))


def test_another_version_than_the_daemons_is_refused(in_postgresql: Any, tmp_path: Path) -> None:
    settings, instance = settings_of(tmp_path), in_postgresql()
    ours = {"program": program_version(), "definitions": definitions_digest(settings)}
    for what in ours:
        theirs = json.dumps({**ours, what: "another"})
        instance.daemon_cursor_storage.set_cursor_values({VERSIONS: theirs})
        assert f"another version of the {what} than the daemon" in refusal(settings, instance)
    instance.daemon_cursor_storage.set_cursor_values({VERSIONS: json.dumps(ours)})
    require_cluster(settings, instance)
