"""Gives values back for tokens: one of them, or all in columns of a file. Who did it stands in the ledger before."""

import gzip
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from export_pipelines.errors import RequestError, StoreError
from export_pipelines.files.digest import digest_of
from export_pipelines.ledger import AuditAction, AuditOutcome, Ledger
from export_pipelines.mask.pseudonyms import Opener
from export_pipelines.mask.token_columns import TokenColumns

TOKENS_KEPT = 50_000  # opened ones; equal values have equal tokens


class Sink(Protocol):
    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True)
class Detokenizer:
    """`actor` is who asks, as the audit names them."""

    opener: Opener
    ledger: Ledger
    actor: str
    now: Callable[[], datetime]

    @contextmanager
    def value(self, token: str) -> Iterator[str]:
        """The value, which the block may give back. Raises RequestError."""
        value = self.opener.open(token)
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self._recorded("value", {"token_sha256": digest}) as count:
            count.opened = 1
            yield value

    def file(
        self, path: Path, columns: Sequence[str], null_marker: str, output: Path | None, sink: Sink
    ) -> int:
        """Writes the file with values in `columns` to `output`, or else to `sink`; returns how many tokens it opened.

        The whole file is opened once before anything is written. Raises RequestError, StoreError.
        """
        wanted = tuple(dict.fromkeys(columns))
        tokens = TokenColumns(wanted, str(path), _separator(path), null_marker)
        open_token = lru_cache(TOKENS_KEPT)(self.opener.open)
        if output is not None and output.exists() and path.exists() and output.samefile(path):
            raise RequestError("the output is the file itself", where=str(output), remedy="name another file")
        with _reading(path) as file:
            with closing(_lines(file, path)) as lines:
                for _ in tokens.open(lines, open_token):
                    pass
            file.seek(0)
            detail = {"columns": list(wanted), "sha256": digest_of(file)[1]}
            with (
                self._recorded("file", detail) as count,
                _writing(output, sink) as target,
                closing(_lines(file, path)) as lines,
            ):
                for text, opened in tokens.open(lines, open_token):
                    target.write(text.encode())
                    count.opened += opened
        return count.opened

    @contextmanager
    def _recorded(self, subject: str, detail: dict[str, Any]) -> Iterator["_Count"]:
        """An entry before values are given back, and another after it with how many they were."""
        entry = self.ledger.record(
            self.actor, AuditAction.DETOKENIZE, subject, detail, self.now(), AuditOutcome.STARTED
        )
        count, outcome = _Count(), AuditOutcome.FAILED
        try:
            yield count
            outcome = AuditOutcome.DONE
        finally:
            said = {"entry": entry, "opened": count.opened, "outcome": outcome}
            self.ledger.record(self.actor, AuditAction.DETOKENIZED, subject, said, self.now(), outcome)


@dataclass
class _Count:
    opened: int = 0


def _separator(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith((".csv", ".tsv")):
        raise RequestError(
            "tokens are opened in CSV and TSV files only",
            where=str(path),
            remedy="the name ends in .csv, .tsv, .csv.gz or .tsv.gz; unpack others first",
        )
    return "\t" if name.endswith(".tsv") else ","


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise RequestError(f"cannot read the file: {error.strerror}", where=str(path)) from error
    with file:
        if not file.seekable():
            raise RequestError(
                "the file is read twice, and this is none", where=str(path), remedy="save it first"
            )
        yield file


def _lines(file: BinaryIO, path: Path) -> Generator[str, None, None]:
    """From the beginning, with their ends."""
    file.seek(0)
    plain = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
    text = io.TextIOWrapper(plain, "utf-8", newline="")
    try:
        for line in text:  # noqa: UP028 -- `yield from` would close the file with the generator
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RequestError("the file is damaged, or no gzip", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise RequestError("the file is not UTF-8", where=str(path)) from error
    except OSError as error:
        raise RequestError(f"cannot read the file: {error.strerror}", where=str(path)) from error
    finally:
        text.detach()


@contextmanager
def _writing(output: Path | None, sink: Sink) -> Iterator[Sink]:
    """`sink`, or a file that is there whole or not at all, readable by its owner only."""
    if output is None:
        yield sink
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".tmp", dir=output.parent)
    except OSError as error:
        raise StoreError(f"cannot write the file: {error.strerror}", where=str(output)) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            if output.suffix.lower() == ".gz":
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    yield packed
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(output)
    except OSError as error:
        raise StoreError(f"cannot write the file: {error.strerror}", where=str(output)) from error
    finally:
        temporary.unlink(missing_ok=True)
