"""From an exception to lines on stderr and an exit code: 1 the export failed, 2 the request was wrong."""

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from export_pipelines import logs
from export_pipelines.cli.context import say
from export_pipelines.errors import ExportError, faults_in
from export_pipelines.interrupts import exit_code

log = logging.getLogger(__name__)

FAILED, WRONG_REQUEST = 1, 2
PACKAGE = Path(__file__).parent.parent


def recorded(error: ExportError, context: Any) -> ExportError:
    """The error, once the audit has it if it refuses something; else the error that keeps it from being recorded."""
    if error.is_refusal:
        try:
            context.obj.trail.refused(error, context.obj.asker, "command", str(context.invoked_subcommand))
        except ExportError as failure:
            return failure
    return error


def tell(error: ExportError) -> int:
    """Each fault of the error as `error: ...`, or one record with its code; returns the exit code."""
    if logs.are_json():
        log.error("failed", extra={"code": error.code, "exit_code": error.exit_code, "error": str(error)})
        return error.exit_code
    for fault in faults_in(str(error)):
        say(f"error: {fault}")
    return error.exit_code


def tell_interrupted() -> int:
    """130 or 143."""
    say("error: interrupted; nothing more was done")
    return exit_code()


def tell_disk(error: Exception, home: Path) -> bool:
    """Tells of a full or failing disk that a library met, such as Dagster with its own records; False where it was none."""
    from export_pipelines.files.full_disk import broken_place, full_place

    if place := full_place(error, home):
        say(f"error: {place}: the disk is full, or a quota is reached (make room on it, then run again)")
        return True
    if place := broken_place(error, home):
        say(f"error: {place}: the disk cannot be read or written (see to it, then run again)")
        return True
    return False


def tell_unexpected(error: Exception, debug: bool) -> int:
    """A fault of the program itself. Its text may quote a value or a secret, so only its kind and place are told,
    unless `debug` asks for the whole traceback."""
    if debug:
        say("".join(traceback.format_exception(error)).rstrip())
    say(f"error: unexpected {type(error).__name__} in {_place(error)}; this is a fault of the program")
    if not debug:
        say("the traceback is shown by: export-pipelines --debug ...")
    return FAILED


def close_broken_pipe() -> int:
    """The reader of stdout has gone (`| head`): nothing is wrong, and Python must not complain at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)] or list(frames)
    if not own:
        return "an unknown place"
    path = Path(own[-1].filename)
    return (
        f"{path.relative_to(PACKAGE.parent) if path.is_relative_to(PACKAGE) else path.name}:{own[-1].lineno}"
    )
