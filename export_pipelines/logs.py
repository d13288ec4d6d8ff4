"""What machines read of the program's work: with EXPORT_PIPELINES_LOG=json a JSON object a line on stderr, nothing else.

Every room logs to `logging.getLogger(__name__)`: an `event` in few words, its figures as keys, and the run's id that
`run` set. INFO tells that a run, a delivery, a retry, a sweep, an import or a check starts and ends, DEBUG the details. Never a
secret, a value of a row or of a filter, or an address that mail goes to."""

import io
import logging
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from export_pipelines.errors import ExportError, SettingsError

VARIABLE, LEVEL = "EXPORT_PIPELINES_LOG", "EXPORT_PIPELINES_LOG_LEVEL"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
PROGRAM = "export_pipelines"

# of a connection that is closed while an interrupt comes it shows a traceback; the interrupt is raised anyway
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)

_run: ContextVar[str] = ContextVar("run", default="")
_process = f"process-{uuid.uuid4().hex[:12]}"  # of records outside of any run


@contextmanager
def run(id: str) -> Iterator[None]:
    """What is logged inside belongs to the run `id`: Dagster's, or the name of an artifact's folder."""
    token = _run.set(id)
    try:
        yield
    finally:
        _run.reset(token)


def current_run() -> str:
    """The id that `run` set; outside of any run, that of the process."""
    return _run.get() or _process


def for_machines(name: str) -> logging.Logger:
    """The logger of a room whose errors people hear of elsewhere: without a handler nothing of it is printed."""
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger


def failure(error: BaseException) -> dict[str, str]:
    """What may be logged of an error. The text of one that is not the program's own may quote anything, so only its kind is."""
    if isinstance(error, ExportError):
        return {"code": error.code, "error": str(error)}
    return {
        "code": "unexpected" if isinstance(error, Exception) else "interrupted",
        "error": type(error).__name__,
    }


def are_json() -> bool:
    """Whether stderr is for machines."""
    return bool(logging.getLogger(PROGRAM).handlers)


def log_as_asked(environment: Mapping[str, str]) -> None:
    """Writes JSON from now on, of the level that the environment says, if it asks for it. Raises SettingsError for another word."""
    word = environment.get(VARIABLE, "")
    if word not in ("", "json"):
        raise SettingsError(f'"{word}" is no way to log', where=VARIABLE, remedy="json, or leave it out")
    level = environment.get(LEVEL, "") or "info"
    if level not in LEVELS:
        raise SettingsError(f'"{level}" is no level of a log', where=LEVEL, remedy=", ".join(LEVELS))
    if word:
        from pythonjsonlogger.json import JsonFormatter

        handler = _StandardError()
        handler.addFilter(_with_run)
        handler.setFormatter(
            JsonFormatter(
                ["levelname", "name", "message"],
                rename_fields={"levelname": "level", "name": "room", "message": "event"},
                timestamp="at",
            )
        )
        logger = logging.getLogger(PROGRAM)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(LEVELS[level])


class _StandardError(logging.StreamHandler[TextIO]):
    """Of the process, as it was at first. While an op runs, Dagster leads the descriptor to a file that a program of its own
    shows, which is ended before it has shown the last lines (https://github.com/dagster-io/dagster/issues/23336)."""

    def __init__(self) -> None:
        try:
            own = os.dup(sys.stderr.fileno())
        except io.UnsupportedOperation:  # it is no file of the system
            super().__init__(sys.stderr)
        else:
            super().__init__(os.fdopen(own, "w", encoding="utf-8", errors="backslashreplace"))


def _with_run(record: logging.LogRecord) -> bool:
    record.run = current_run()
    return True
