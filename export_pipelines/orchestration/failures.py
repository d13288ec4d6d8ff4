"""Why a run failed, read from its events: what `failing` put there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from export_pipelines.interrupts import exit_code
from export_pipelines.orchestration.failing import MISTYPED

UNEXPECTED = 1  # exit code of what is no error of ours
INTERRUPTS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


def failures_in(events: Iterable[dg.DagsterEvent], keys: Sequence[str]) -> tuple[dict[str, str], int]:
    """Text by window key, a line for each step that failed, and the gravest exit code; a step that failed as a whole
    failed for all windows."""
    texts_by_key: dict[str, list[str]] = {}
    exit_code = 0
    for event in events:
        if event.is_step_failure:
            texts, code = _failure_of(event, keys)
            exit_code = max(exit_code, code)
            for key, text in texts.items():
                texts_by_key.setdefault(key, []).append(text)
    return {key: "\n".join(dict.fromkeys(texts)) for key, texts in texts_by_key.items()}, exit_code


def _failure_of(event: dg.DagsterEvent, keys: Sequence[str]) -> tuple[Mapping[str, str], int]:
    """What one failed step says, and its exit code."""
    user = event.step_failure_data.user_failure_data
    if user is None:
        error = event.step_failure_data.error
        interrupted = error is not None and error.cls_name in INTERRUPTS
        return dict.fromkeys(keys, _unexpected(event)), exit_code() if interrupted else UNEXPECTED
    failed = user.metadata["failed"].value if "failed" in user.metadata else None
    code = user.metadata["exit_code"].value if "exit_code" in user.metadata else UNEXPECTED
    texts = failed if isinstance(failed, dict) and failed else dict.fromkeys(keys, user.description or "")
    return texts, int(code)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Failures:
    """Why a run failed, by window; by "" what failed for all of them. Nothing when the run's process died. `mistyped`
    where all that went wrong is what a person typed at launch."""

    texts: Mapping[str, str]
    mistyped: bool


def failures_of(instance: dg.DagsterInstance, run_id: str, node: str | None = None) -> Failures:
    """Of a whole run, or of the steps below `node`, the graph of one of its exports."""
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = [log.dagster_event for log in logs if log.dagster_event]
    events = [event for event in events if node is None or str(event.step_key).split(".")[0] == node]
    mistyped = bool(events) and all(MISTYPED in metadata_of(event) for event in events)
    return Failures(failures_in(events, [""])[0], mistyped)


def metadata_of(event: dg.DagsterEvent) -> Mapping[str, object]:
    """What `failing` put into the failure of a step."""
    user = event.step_failure_data.user_failure_data
    return user.metadata if user else {}


def _unexpected(event: dg.DagsterEvent) -> str:
    """Only the class of the error: a foreign text may quote a value."""
    error = event.step_failure_data.error
    while error and error.cause:
        error = error.cause
    name = error.cls_name if error else "error"
    return f"an unexpected {name} in {event.step_key}; the run's page in the Dagster UI has its log"
