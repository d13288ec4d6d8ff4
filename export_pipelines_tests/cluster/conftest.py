"""A broker, and an instance whose runs go to it; its storage is a folder, which workers refuse, and their tasks do not."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from export_pipelines.orchestration import kept_lease
from export_pipelines_servers.redis import RedisServer, redis
from export_pipelines_tests.dagster_storage import put_storage

LAUNCHER = {"module": "export_pipelines.cluster.launcher", "class": "ClusterRunLauncher"}
SETTINGS = {"run_launcher": LAUNCHER, "telemetry": {"enabled": False}}


@pytest.fixture(scope="module")
def broker() -> Iterator[RedisServer]:
    with redis() as server:
        yield server


@pytest.fixture
def environment(broker: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"HOME": tmp_path / "home", "BROKER_URL": broker.url}.items():
        monkeypatch.setenv(f"EXPORT_PIPELINES_{name}", str(value))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    kept_lease.leases_of_process.cache_clear()
    yield
    kept_lease.leases_of_process.cache_clear()
    if broker.process is None:
        broker.start()


@pytest.fixture
def instance(environment: None, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    put_storage(tmp_path)
    storage = {"storage": {"sqlite": {"base_dir": str(tmp_path)}}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({**SETTINGS, **storage}))
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=SETTINGS) as instance:
        yield instance
