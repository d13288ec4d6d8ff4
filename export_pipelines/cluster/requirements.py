"""What daemon, launcher and worker ask before they start: servers that all machines share, one clock, and the daemon's versions."""

from collections.abc import Callable
from datetime import UTC, datetime

from dagster._core.instance import DagsterInstance

from export_pipelines.check.cluster import cluster_errors
from export_pipelines.cluster.versions import announced, versions_of
from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger.clock import check_clock
from export_pipelines.orchestration.lost_runs import Sender
from export_pipelines.settings import Settings

DAGSTER_YAML = "dagster.yaml"


def require_cluster(
    settings: Settings, instance: DagsterInstance, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Of daemon and worker at their start: `require_servers`, the launcher of runs, and the clock of the ledger's server.
    Raises SettingsError."""
    require_servers(settings, instance)
    if not isinstance(instance.run_launcher, Sender):
        raise SettingsError(
            "the launcher of runs starts them on the daemon's machine",
            where=DAGSTER_YAML,
            remedy="run_launcher: {module: export_pipelines.cluster.launcher, class: ClusterRunLauncher}",
        )
    check_clock(settings.ledger_url.get_secret_value(), now)


def require_servers(settings: Settings, instance: DagsterInstance) -> None:
    """Asks no server. Raises SettingsError for a broker that is missing or open to everybody, and for a ledger, store, source
    or Dagster's storage that only one machine sees."""
    broker_url = settings.broker_url
    if broker_url is None:
        raise SettingsError(
            "no broker is named", where=f"{PREFIX}BROKER_URL", remedy="redis://:password@host:6379/0"
        )
    for error in cluster_errors(settings, broker_url.get_secret_value()):
        raise error
    if "Sqlite" in type(instance.run_storage).__name__:
        raise SettingsError(
            "Dagster's storage is a folder of this machine, and runs go to workers elsewhere",
            where=DAGSTER_YAML,
            remedy="storage: postgres, as in deploy/dagster.celery.yaml",
        )


def require_versions(settings: Settings, instance: DagsterInstance) -> None:
    """Of a worker. Raises SettingsError where program or definitions are others than the daemon's."""
    ours = versions_of(settings)
    for what, version in announced(instance).items():
        if ours.get(what) != version:
            raise SettingsError(
                f"this worker has another version of the {what} than the daemon: {ours.get(what)}, not {version}",
                where="worker",
                remedy="bring both to the same state; upgrade the daemon first, old workers go on meanwhile",
            )
