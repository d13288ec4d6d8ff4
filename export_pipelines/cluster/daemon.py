"""Dagster's daemon of a project whose runs go to workers: `python -m export_pipelines.cluster.daemon -w workspace.yaml`.

It asks what workers ask, tells them its versions, and becomes `dagster-daemon run` with the same arguments."""

import os
import sys
from collections.abc import Sequence

from dagster._core.instance import DagsterInstance

from export_pipelines.cluster.requirements import require_cluster
from export_pipelines.cluster.versions import announce, versions_of
from export_pipelines.errors import ExportError
from export_pipelines.settings import Settings, project_root


def main(arguments: Sequence[str]) -> int:
    """Returns 2 where the daemon may not start, and does not return where it does. `--help` is that of Dagster's command."""
    try:
        if "--help" not in arguments:
            _require_and_announce()
    except ExportError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    os.execv(sys.executable, [sys.executable, "-m", "dagster._daemon", "run", *arguments])  # noqa: S606
    return 0


def _require_and_announce() -> None:
    settings = Settings.load(os.environ, project_root(os.environ))
    with DagsterInstance.get() as instance:
        require_cluster(settings, instance)
        announce(instance, versions_of(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
