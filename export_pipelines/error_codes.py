"""docs/errors.md, made of the errors' own words: `python -m export_pipelines.error_codes > docs/errors.md`."""

import re
import sys
from collections.abc import Iterator

from export_pipelines import errors
from export_pipelines.errors import ExportError

HEAD = """\
# Errors

Every error says what is wrong, where, and what to do. For programs it has a `code`, which stays the same when the words change: in the records of
`EXPORT_PIPELINES_LOG=json`, and in `--json` of the commands that give failures. The exit code of a command is 2 where the request was wrong, 1 where
the export failed, 130 after Ctrl-C, 143 after SIGTERM.

| code | exit code | tried again | what it means |
|---|---|---|---|
"""


def every_error() -> Iterator[type[ExportError]]:
    """The classes of errors that are raised, in the order of their tree."""
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, ExportError)]
    return (cls for cls in classes if cls is not ExportError)


def error_page() -> str:
    """The whole page."""
    return HEAD + "".join(
        f"| `{cls.code}` | {cls.exit_code} | {'yes' if cls.retryable else 'no'} | {_meaning(cls)} |\n"
        for cls in every_error()
    )


def _meaning(error: type[ExportError]) -> str:
    """The first sentence of what the class says of itself."""
    return re.split(r"(?<=\.) |; ", " ".join((error.__doc__ or "").split()))[0].rstrip(".") + "."


if __name__ == "__main__":
    sys.stdout.write(error_page())
