"""A worker: `python -m export_pipelines.cluster.worker`. It takes runs from the broker and executes them, each under its lease.

Processes of the pool are forked: what has threads from the moment it is loaded is loaded in them, not here."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_process_init
from dagster._core.instance import DagsterInstance
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus

from export_pipelines.cluster.celery_app import TASK, broker_of, celery_app, queue_of
from export_pipelines.cluster.versions import definitions_digest, program_version
from export_pipelines.errors import ExportError
from export_pipelines.files.private import close_umask
from export_pipelines.logs import log_as_asked
from export_pipelines.settings import Settings, project_root

log = logging.getLogger(__name__)

RENEW = 75  # exit code of a process of the pool that makes room for a new one
app = celery_app(broker_of(os.environ))
_loaded: dict[str, str] = {}  # the digest of the definitions that this process has loaded


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _load(**_: Any) -> None:
    from export_pipelines.run.memory import share_heap

    share_heap()
    import export_pipelines.orchestration  # noqa: F401  # before the first run, not in it


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def execute(run_id: str, definitions: str) -> None:
    """Executes a run that waits for it, once; a second message about it, and one about a run that was cancelled, is ignored."""
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status is not DagsterRunStatus.STARTING:
            log.info("message ignored", extra={"run": run_id})
            return
        ours = definitions_digest(Settings.load(os.environ, project_root(os.environ)))
        if ours != definitions:
            instance.report_run_failed(run, _other_definitions(definitions, ours))
        elif _loaded.setdefault("definitions", ours) != ours:
            _renew(run_id, definitions)
        else:
            _execute(instance, run)


def _execute(instance: DagsterInstance, run: DagsterRun) -> None:
    import dagster._cli.api
    from dagster._utils.interrupts import capture_interrupts

    from export_pipelines.orchestration.kept_lease import kept_lease, leases_of_process
    from export_pipelines.run.memory import trim_heap
    from export_pipelines.run_process import ended_by_others

    try:
        with capture_interrupts(), kept_lease(leases_of_process(), run) as ours:
            now = instance.get_run_by_id(run.run_id)
            if ours and now and now.status is DagsterRunStatus.STARTING:  # not cancelled in the meantime
                with ended_by_others(instance, run.run_id):
                    dagster._cli.api._execute_run_command_body(run.run_id, instance, lambda _: None, False)
    finally:
        trim_heap()  # this process waits for the next run


def _renew(run_id: str, definitions: str) -> None:
    """A definition was changed since this process loaded it: a new one takes the run."""
    app.send_task(TASK, (run_id, definitions), queue=queue_of(program_version()))
    os._exit(RENEW)


def _other_definitions(theirs: str, ours: str) -> str:
    return (
        f"{socket.gethostname()}: this worker has other definitions than the daemon ({ours}, not {theirs}); bring exports, "
        "access.yaml and the catalog to the same state on all machines, then run it again"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a worker until SIGTERM, which lets its runs end; 2 where it may not start."""
    parser = argparse.ArgumentParser(prog="python -m export_pipelines.cluster.worker", description=__doc__)
    parser.add_argument("--concurrency", type=int, default=1, help="runs at a time (default 1)")
    parser.add_argument("--name", default=socket.gethostname(), help="of the worker (default: the host's)")
    asked = parser.parse_args(arguments)
    close_umask()
    log_as_asked(os.environ)
    try:
        from export_pipelines.cluster.requirements import require_cluster, require_versions

        settings = Settings.load(os.environ, project_root(os.environ))
        with DagsterInstance.get() as instance:
            require_cluster(settings, instance)
            require_versions(settings, instance)
    except ExportError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    call = ["worker", "--concurrency", str(asked.concurrency), "--queues", queue_of(program_version())]
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    app.worker_main([*call, "--hostname", f"{asked.name}.{os.getpid()}@%h", *options])
    return 0


if __name__ == "__main__":
    # the module of this name, whose task the processes of the pool know
    from export_pipelines.cluster.worker import main as worker_main

    sys.exit(worker_main())
