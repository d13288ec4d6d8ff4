"""How a CSV file is written: its encoding and what parts its cells, as a person says or as the file shows."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.encodings import encoding_of, marked

GZIP = b"\x1f\x8b"
DELIMITERS = ",;\t|"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?')  # which Excel writes and heeds
SAMPLE_CHARACTERS, CHUNK_BYTES = 1 << 18, 1 << 18


@dataclass(frozen=True)
class FileForm:
    """`encoding` is Python's name; bytes that are not of it stay as half characters. `guessed` names what nobody said."""

    encoding: str
    delimiter: str
    guessed: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = NAMES.get(self.delimiter, f'"{self.delimiter}"')
        return f"read as {self.encoding.removesuffix('-sig')}, with a {named} between cells"


def form_of(file: Path, encoding: str | None = None, delimiter: str | None = None) -> FileForm:
    """The form of the file, gzip or not; what is None is seen in the file. Raises ImportFileError where it cannot be
    told, or the file cannot be read."""
    said = encoding is not None
    with reading(file), _opened(file) as data:
        if encoding is None:
            encoding = encoding_of(iter(lambda: data.read(CHUNK_BYTES), b""), str(file))
        elif _is_utf(encoding):
            encoding = marked(data.read(4)) or encoding
    parted = delimiter or _delimiter_of(file, encoding)
    return FileForm(
        encoding,
        parted,
        tuple(name for name, option in (("encoding", said), ("delimiter", delimiter)) if not option),
    )


@contextmanager
def opened_text(file: Path, encoding: str) -> Iterator[TextIO]:
    """The file, gzip or not, as text with every line's end and every bad byte kept. Raises ImportFileError."""
    with reading(file):
        data = _opened(file)
    with io.TextIOWrapper(data, encoding=encoding, errors="kept", newline="") as stream:
        yield stream


def checked_encoding(name: str) -> str:
    """Python's name of a text encoding. Raises ImportFileError for one that it does not know."""
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError) as error:
        raise ImportFileError(
            "no encoding that is known",
            where="--encoding",
            remedy="for example utf-8, utf-16, cp1252 or shift_jis",
        ) from error


def checked_delimiter(text: str) -> str:
    """One character. Raises ImportFileError for anything else."""
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(text) != 1 or text in '"\r\n\0':
        raise ImportFileError("one character is expected", where="--delimiter", remedy="such as ';' or '\\t'")
    return text


@contextmanager
def reading(file: Path | str) -> Iterator[None]:
    """What goes wrong while the file is read, as ImportFileError."""
    try:
        yield
    except (OSError, EOFError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise ImportFileError(f"cannot read the file: {what}", where=str(file)) from error


def _opened(file: Path) -> BinaryIO:
    with file.open("rb") as start:
        is_gzip = start.read(2) == GZIP
    return cast(BinaryIO, gzip.open(file, "rb")) if is_gzip else file.open("rb")


def _is_utf(encoding: str) -> bool:
    return encoding.startswith(("utf-8", "utf-16", "utf-32"))


def _delimiter_of(file: Path, encoding: str) -> str:
    """As a first line `sep=;` says, else what gives as many cells in every record as in the header."""
    with opened_text(file, encoding) as stream, reading(file):
        sample = stream.read(SAMPLE_CHARACTERS)
        is_whole = not stream.read(1)
    separator = SEPARATOR.fullmatch(sample.partition("\n")[0] + "\n" if "\n" in sample else sample)
    if separator:
        return separator[1]
    if not is_whole:
        sample = sample[: sample.rfind("\n") + 1] or sample
    weighed = {name: _weight(sample, name, is_whole) for name in DELIMITERS}
    best = max(DELIMITERS, key=lambda name: weighed[name])
    same = [name for name in DELIMITERS if weighed[best] > 0 and weighed[name] == weighed[best]]
    if len(same) > 1:
        raise ImportFileError(
            f"what parts its cells cannot be told: {' or '.join(NAMES[name] for name in same)}",
            where=str(file),
            remedy=f"say it: --delimiter '{same[0]}'",
        )
    return best


def _weight(sample: str, delimiter: str, is_whole: bool) -> float:
    """The share of records with as many cells as the header; 0 where that is one."""
    sizes = []
    try:
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True):
            sizes += [len(record)] if record else []
    except csv.Error as error:
        if is_whole or "end of data" not in str(error):
            sizes.append(0)
    if not sizes or sizes[0] < 2:
        return 0.0
    return sizes.count(sizes[0]) / len(sizes)


def _kept(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no characters, as halves of characters, which no text holds; halves of UTF-16 as they are."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if _is_utf(error.encoding) and not error.encoding.startswith("utf-8"):
        try:
            letter, end = codecs.lookup_error("surrogatepass")(error)
            return str(letter), end
        except UnicodeError:
            pass
    wrong = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + (byte | 0x80)) for byte in wrong), error.end


codecs.register_error("kept", _kept)
