"""Daemon, launcher and worker start only beside servers that all machines share, by one clock; a worker with the daemon's versions."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher.base import LaunchRunContext

from export_pipelines.cluster.requirements import require_cluster, require_servers, require_versions
from export_pipelines.cluster.versions import announce, announced, versions_of
from export_pipelines.errors import SettingsError
from export_pipelines.settings import Settings
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.redis import RedisServer
from export_pipelines_tests.check.test_cluster import GOOD
from export_pipelines_tests.cluster.conftest import LAUNCHER
from export_pipelines_tests.cluster.test_launcher import messages, starting

NUMBERS = count(1)


def settings_of(folder: Path, **other: str) -> Settings:
    variables = {f"EXPORT_PIPELINES_{name}": value for name, value in {**GOOD, **other}.items()}
    return Settings.load(variables, folder)


@pytest.fixture
def in_postgresql(postgresql_url: str, tmp_path: Path) -> Iterator[Any]:
    """Opens an instance with its storage in PostgreSQL and the launcher that is asked for."""
    opened = []
    own = new_database(
        postgresql_url, f"dagster_{next(NUMBERS)}"
    )  # two versions of a schema in one database are none
    url = own.replace("postgresql://", "postgresql+psycopg2://")

    def instance(launcher: dict[str, str] | None = LAUNCHER) -> dg.DagsterInstance:
        settings: dict[str, Any] = {
            "storage": {"postgres": {"postgres_url": url}},
            "telemetry": {"enabled": False},
        }
        settings |= {"run_launcher": launcher} if launcher else {}
        opened.append(dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings))
        return opened[-1]

    yield instance
    for instance_in_postgresql in opened:
        instance_in_postgresql.dispose()


@pytest.fixture
def settings(postgresql_url: str, tmp_path: Path) -> Settings:
    return settings_of(tmp_path, LEDGER_URL=new_database(postgresql_url, f"required_{next(NUMBERS)}"))


def refusal(settings: Settings, instance: dg.DagsterInstance, later: timedelta = timedelta()) -> str:
    with pytest.raises(SettingsError) as refused:
        require_cluster(settings, instance, lambda: datetime.now(UTC) + later)
    return str(refused.value)


def test_a_cluster_without_a_broker_is_refused(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert "no broker is named" in refusal(settings_of(tmp_path, BROKER_URL=""), instance)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("BROKER_URL", "redis://broker.example.com:6379/0", "the broker has no password"),
        ("LEDGER_URL", "sqlite:////srv/ledger.db", "the ledger is a file of this machine"),
        ("STORE_URL", "/srv/artifacts", "the artifact store is a folder of this machine"),
    ],
)
def test_what_one_machine_alone_sees_is_refused_by_all_three(
    tmp_path: Path, name: str, value: str, text: str
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        settings = settings_of(tmp_path, **{name: value})
        assert f"EXPORT_PIPELINES_{name}: {text}" in refusal(settings, instance)
        with pytest.raises(SettingsError, match=text):
            require_servers(settings, instance)


def test_dagsters_storage_in_a_folder_is_refused(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        text = refusal(settings_of(tmp_path), instance)
    assert text.startswith("dagster.yaml: Dagster's storage is a folder of this machine")


def test_another_launcher_is_refused(in_postgresql: Any, settings: Settings) -> None:
    assert "starts them on the daemon's machine" in refusal(settings, in_postgresql(None))


@pytest.mark.parametrize(("later", "way"), [(45, "behind"), (-45, "ahead of")])
def test_a_clock_that_differs_from_that_of_the_ledgers_server_is_refused(
    in_postgresql: Any, settings: Settings, later: int, way: str
) -> None:
    text = refusal(settings, in_postgresql(), timedelta(seconds=later))
    assert f"s {way} ours, and may differ by 30 s" in text and "(NTP)" in text
    require_cluster(settings, in_postgresql(), lambda: datetime.now(UTC) + timedelta(seconds=later / 2))


def test_a_ledger_that_does_not_answer_is_refused(in_postgresql: Any, tmp_path: Path) -> None:
    nobody = f"postgresql://user:password@127.0.0.1:{free_port()}/ledger"
    text = refusal(settings_of(tmp_path, LEDGER_URL=nobody), in_postgresql())
    assert "EXPORT_PIPELINES_LEDGER_URL: the ledger does not answer" in text and "password@127" not in text


def test_a_worker_of_another_version_than_the_daemons_is_refused(
    in_postgresql: Any, settings: Settings
) -> None:
    instance, ours = in_postgresql(), versions_of(settings)
    for what in ours:
        announce(instance, {**ours, what: "another"})
        with pytest.raises(SettingsError, match=f"another version of the {what} than the daemon"):
            require_versions(settings, instance)
    announce(instance, ours)
    require_versions(settings, instance)


def test_a_launch_beside_shared_servers_is_a_message(
    in_postgresql: Any,
    settings: Settings,
    broker: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = {**GOOD, "LEDGER_URL": settings.ledger_url.get_secret_value(), "BROKER_URL": broker.url}
    for name, value in shared.items():
        monkeypatch.setenv(f"EXPORT_PIPELINES_{name}", value)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    instance, before = in_postgresql(), messages(broker)
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=starting(instance), workspace=None))
    assert messages(broker) == before + 1
    assert announced(instance) == versions_of(Settings.load(os.environ, tmp_path))
