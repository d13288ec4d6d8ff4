"""Every error a person can meet, sorted by what follows from it; `code` is stable, for programs.

ExportError                      what, where, what to do
|-- RequestError                 the person mends the request            exit code 2
|   |-- DefinitionError          an export's YAML, with file, line, key
|   |   `-- AccessFileError      access.yaml is wrong: nobody is allowed anything
|   |-- CatalogError             the catalog's YAML, or an unknown dataset or field
|   |-- WindowError              a date, partition or window that cannot be exported
|   |-- Denied                   access.yaml does not allow it
|   |-- OnHold                   an artifact that must be kept was to be erased
|   |-- SettingsError            environment, keys, folders
|   |   `-- KeyRefused           a master key, or the KMS that has it, opens no data key
|   |-- SourceError              source unreachable, table or column missing
|   `-- ImportFileError          a file handed to `import`
|-- RetryableError               the same run may succeed later          exit code 1
|   |-- LostLease                another process runs the stream now
|   `-- Overtaken                another attempt at the delivery was begun; this one sends nothing more
`-- FatalError                   stopped, nothing left behind            exit code 1
    |-- LimitReached             more rows or bytes than the export may write
    |-- DataError                a stored value that its declared type cannot hold
    |-- StoreError               folder not writable, disk full
    |-- DamagedArtifact          a part changed, cut, swapped or lost
    |-- LostRun                  the run was ended, or another one runs in its place
    |-- SealedArtifact           sealed, and its key was erased or is in another ledger
    `-- Uncertain                the receiver may have it, and cannot be asked; a person decides

docs/errors.md is made of it: `python -m export_pipelines.error_codes > docs/errors.md`.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_WORD = 100  # characters of what was found, in an error


class ExportError(Exception):
    """An error with a remedy: `where: what (remedy)`. Never carries a secret or a lead's value."""

    code = "error"
    exit_code = 1
    retryable = False
    is_refusal = False  # somebody was denied something, which belongs into the audit
    is_recorded = False  # and is there

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what)

    def __str__(self) -> str:
        return (
            (f"{self.where}: " if self.where else "")
            + self.what
            + (f" ({self.remedy})" if self.remedy else "")
        )


def faults_in(text: str) -> list[str]:
    """The faults of an error's text, a line each; a line that begins with a blank belongs to the fault before it."""
    return re.split(r"\n(?! )", text) if text else []


class RequestError(ExportError):
    """What was asked for cannot be; the text says what can."""

    code = "request"
    exit_code = 2


class DefinitionError(RequestError):
    """One or more faults of one export definition; `faults` holds a line of text for each, `places` the key that each is
    about and its text without the file, as far as they are known."""

    code = "definition"

    def __init__(
        self, faults: Iterable[str], places: Iterable[tuple[tuple[str | int, ...], str]] = ()
    ) -> None:
        self.faults, self.places = tuple(faults), tuple(places)
        super().__init__("\n".join(self.faults))


class CatalogError(RequestError):
    """The catalog's YAML is wrong, or names an unknown dataset or field."""

    code = "catalog"


class WindowError(RequestError):
    """A date, partition or window that cannot be exported."""

    code = "window"


class Denied(RequestError):
    """The principal's roles in access.yaml do not allow what was asked for."""

    code = "denied"
    is_refusal = True


class AccessFileError(DefinitionError):
    """access.yaml is wrong, or cannot be read: nobody is allowed anything until it is mended."""

    code = "access_file"
    is_refusal = True


class SettingsError(RequestError):
    """The environment, a key or a folder is not as it must be."""

    code = "settings"


class KeyRefused(SettingsError):
    """A data key does not open: under another master key, or the KMS refuses it."""

    code = "key_refused"
    is_refusal = True


class OnHold(RequestError):
    """What is to be erased is on hold."""

    code = "on_hold"
    is_refusal = True


class SourceError(RequestError):
    """The source cannot be reached or read, or a table or column is missing."""

    code = "source"


class ImportFileError(RequestError):
    """A file handed to `import` cannot be read."""

    code = "import_file"


class RetryableError(ExportError):
    """The same run may succeed later. `after_s`: the other side asked to be left alone for so many seconds."""

    code = "retryable"
    retryable = True

    def __init__(self, what: str, *, where: str = "", remedy: str = "", after_s: float | None = None) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.after_s = after_s


class BaseReplaced(RetryableError):
    """What has changed since an artifact is no longer asked for: another one arrived after it."""

    code = "base_replaced"


class LostLease(RetryableError):
    """Another process runs the stream now; this one sends nothing more."""

    code = "lost_lease"


class Overtaken(RetryableError):
    """Another attempt at the delivery was begun; this one sends nothing more."""

    code = "overtaken"


class FatalError(ExportError):
    """The run stopped; nothing was left behind."""

    code = "fatal"


class LimitReached(FatalError):
    """There are more rows or bytes than the export may write."""

    code = "limit"


class DataError(FatalError):
    """A stored value does not fit its declared type."""

    code = "data"


class StoreError(FatalError):
    """The artifact store cannot be written: its folder, its rights, its disk."""

    code = "store"


class DamagedArtifact(FatalError):
    """A part or manifest was changed, cut, swapped or lost."""

    code = "damaged"


class LostRun(FatalError):
    """The run has lost its lease: it was ended, or another one runs in its place. It writes and sends nothing more."""

    code = "lost_run"


class SealedArtifact(FatalError):
    """The artifact is sealed, and its key was erased or stands in another ledger."""

    code = "sealed"


class Uncertain(FatalError):
    """The receiver may have it and cannot be asked; a person decides."""

    code = "uncertain"


def not_installed(library: str, extra: str, where: str) -> SettingsError:
    """That `library` is not installed, and the extra of this package that brings it."""
    return SettingsError(
        f"the library {library} is not installed",
        where=where,
        remedy=f"pip install 'export-pipelines[{extra}]'",
    )


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that is closest to `word`, or None."""
    return next(iter(get_close_matches(word, sorted(set(allowed)), n=1, cutoff=0.6)), None)


def unknown(what: str, word: str, allowed: Iterable[str], listing: str = "") -> str:
    """`unknown field "emial"; did you mean "email"? (LISTING lists them)`; without a near word, all of `allowed`."""
    words = sorted(set(allowed))
    near = nearest(word, words)
    text = f'unknown {what} "{word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 3] + "..."}"'
    if near:
        text += f'; did you mean "{near}"?'
    elif words and len(words) <= 40:
        text += f"; allowed: {', '.join(words)}"
    return f"{text} ({listing} lists them)" if listing else text
