"""What a worker asks before it starts: servers that all machines share, and the versions of the daemon."""

from dagster._core.instance import DagsterInstance

from export_pipelines.check.cluster import cluster_errors
from export_pipelines.cluster.launcher import VERSIONS, ClusterRunLauncher
from export_pipelines.cluster.versions import definitions_digest, program_version
from export_pipelines.cluster.worker import announced
from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.settings import Settings

DAGSTER_YAML = "dagster.yaml"


def require_cluster(settings: Settings, instance: DagsterInstance) -> None:
    """Raises SettingsError."""
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
    if not isinstance(instance.run_launcher, ClusterRunLauncher):
        raise SettingsError(
            "the launcher of runs starts them on the daemon's machine",
            where=DAGSTER_YAML,
            remedy="run_launcher: {module: export_pipelines.cluster.launcher, class: ClusterRunLauncher}",
        )
    _require_versions(settings, instance)


def _require_versions(settings: Settings, instance: DagsterInstance) -> None:
    values = instance.daemon_cursor_storage.get_cursor_values({VERSIONS})
    theirs = announced(values.get(VERSIONS))
    ours = {"program": program_version(), "definitions": definitions_digest(settings)}
    for what, version in theirs.items():
        if ours.get(what) != version:
            raise SettingsError(
                f"this worker has another version of the {what} than the daemon: {ours.get(what)}, not {version}",
                where="worker",
                remedy="bring both to the same state; upgrade the daemon first, old workers go on meanwhile",
            )
