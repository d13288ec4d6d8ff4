"""From the program's errors to Dagster's failures: one clear text, no stack of foreign errors, an exit code for the terminal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from export_pipelines.errors import ExportError, RequestError
from export_pipelines.interrupts import Interrupted, ends_soon, exit_code, is_interrupted
from export_pipelines.orchestration.edges import Fault
from export_pipelines.project import Project

MISTYPED = "mistyped"  # metadata of a failure
MAY_PASS = "may_pass"  # the same: what failed may pass, and no delivery is tried again for it


@contextmanager
def as_dagster_failure(mistyped: bool = False, retry: bool = False) -> Iterator[None]:
    """An ExportError inside becomes a failure with its text and nothing of its causes, which may quote a value; with `retry`, of
    an op that is tried again if the error may pass.

    `mistyped`: what is wrong is what a person typed at launch, who sees that the run failed, so nobody else has to hear.
    """
    try:
        yield
    except ExportError as error:
        known = mistyped and isinstance(error, RequestError)
        raise failure({"": Fault.of(error)}, 1, retry, known, error.retryable) from None


@contextmanager
def interruptible(context: dg.OpExecutionContext, project: Project) -> Iterator[None]:
    """What asks other systems, inside of an op: an interrupt ends it at once, and is recorded. Dagster would try an op
    again that has a policy for that, and wait for whatever its drivers wait for."""

    def record() -> None:
        project.ledger.interrupted(context.run_id, project.now())
        context.instance.report_run_canceled(context.run, "interrupted while another system kept it waiting")

    try:
        with ends_soon(record):
            yield
        if is_interrupted():  # a driver that was made to give up told it as a fault of its own
            raise Interrupted
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        raise dg.Failure(
            "interrupted; nothing more was done", metadata={"exit_code": exit_code()}, allow_retries=False
        ) from None


def failure(
    faults: Mapping[str, Fault],
    windows: int,
    retry: bool = False,
    mistyped: bool = False,
    may_pass: bool = False,
) -> dg.Failure:
    """A failure that names the windows of `faults` (of `windows` in the run) with their texts; equal texts stand once."""
    return dg.Failure(
        description=_text(faults, windows),
        metadata={
            "exit_code": max(fault.exit_code for fault in faults.values()),
            "failed": dg.MetadataValue.json({key: fault.text for key, fault in faults.items() if key}),
            **({MISTYPED: True} if mistyped else {}),
            **({MAY_PASS: True} if may_pass else {}),
        },
        allow_retries=retry and any(fault.retryable for fault in faults.values()),
    )


def _text(faults: Mapping[str, Fault], windows: int) -> str:
    if windows == 1:
        return "\n".join(fault.text for fault in faults.values())
    lines = [f"{len(faults)} of {windows} partitions failed"]
    for text in dict.fromkeys(fault.text for fault in faults.values()):
        keys = ", ".join(key for key, fault in faults.items() if fault.text == text)
        lines.append(f"{keys}: {text}")
    return "\n".join(lines)
