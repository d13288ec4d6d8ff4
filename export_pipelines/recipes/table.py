"""What a recipe is made from: a manifest, as a reader of the files sees it."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from export_pipelines.artifacts import Manifest, ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.definition.readers import form_of
from export_pipelines.encode.formulas import header_in_file
from export_pipelines.errors import RequestError

TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,2}")
NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER)
TEXTS = (Kind.TEXT, Kind.JSON, Kind.NUMBER)
NUMBER_BYTES = 100  # of a number, a time or a truth, with what stands around it
DOUBLE_DIGITS = 15  # that a double keeps, whatever they are
UNPACKING = {"none": "cat", "gzip": "gzip -dc", "zip": "unzip -p", "zstd": "zstd -dc"}
SUFFIXES = {"gzip": ".gz", "zip": ".zip", "zstd": ".zst"}


@dataclass(frozen=True)
class Table:
    """An artifact as the table `name`. `form` is its format, where `tsv, escaped` stands apart from TSV with quotes."""

    manifest: Manifest
    name: str

    def __post_init__(self) -> None:
        if not TABLE_NAME.fullmatch(self.name):
            raise RequestError(
                f'"{self.name[:100]}" is no name of a table',
                where="--table",
                remedy="letters, digits and _, such as leads or sales.leads",
            )

    @property
    def columns(self) -> tuple[ManifestColumn, ...]:
        return self.manifest.columns

    @property
    def form(self) -> str:
        """As `Reader.forms` has it."""
        return form_of(self.manifest.format, self.manifest.options)

    @property
    def headers(self) -> tuple[str, ...]:
        """As the first line of CSV and TSV names the columns."""
        return tuple(header_in_file(column.name, self.manifest.options) for column in self.columns)

    @property
    def is_delimited(self) -> bool:
        return self.manifest.format in ("csv", "tsv")

    @property
    def codec(self) -> str:
        return self.manifest.codec

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the parts, in order."""
        return tuple(part.name for part in self.manifest.parts)

    @property
    def delimiter(self) -> str:
        return str(self.manifest.options.get("delimiter", "\t" if self.manifest.format == "tsv" else ","))

    @property
    def marker(self) -> str:
        """What null is in CSV and TSV."""
        return "\\N" if self.form == "tsv, escaped" else str(self.manifest.options.get("null_marker") or "")

    @property
    def quotes_nulls(self) -> bool:
        """Whether null is written as the empty text is, in quotes."""
        quote = self.manifest.options.get("quote")
        return self.is_delimited and not self.marker and (quote == "all" or len(self.columns) == 1)

    @property
    def has_bom(self) -> bool:
        return bool(self.manifest.options.get("bom"))

    @property
    def line_end(self) -> str:
        return "\r\n" if self.manifest.options.get("line_ending") == "crlf" else "\n"

    def unpacked(self, file: str) -> str:
        """The file's name without its codec."""
        return PurePosixPath(file).name.removesuffix(SUFFIXES.get(self.codec, ""))

    def read_as(self, file: str, *codecs: str) -> str:
        """The name under which a reader of these `codecs` finds a part: unpacked, where it does not read its codec."""
        return file if self.codec in ("none", *codecs) else self.unpacked(file)

    def unpackings(self, *codecs: str) -> tuple[str, ...]:
        """The shell commands that write the files that a reader of these `codecs` finds; none where it reads the parts."""
        if self.codec in ("none", *codecs):
            return ()
        return tuple(f"{self.unpacking(file)} > {shlex.quote(self.unpacked(file))}" for file in self.files)

    def unpacking(self, file: str) -> str:
        """The shell command that writes the rows of a part, without a byte order mark, to its output."""
        command = f"{UNPACKING[self.codec]} {shlex.quote(file)}"
        return f"{command} | tail -c +4" if self.has_bom else command


def path_of(column: ManifestColumn) -> tuple[str, ...]:
    """Where the value stands in an object of JSON."""
    return column.path or tuple(column.id.split("."))


def may_be_null(column: ManifestColumn) -> bool:
    """Whether the manifest does not rule out a null."""
    return column.statistics is None or column.statistics.nulls > 0


def may_be_empty(column: ManifestColumn) -> bool:
    """Whether a text of it may be empty."""
    return column.kind is Kind.TEXT and (column.statistics is None or column.statistics.empty != 0)


def may_be_long(column: ManifestColumn) -> bool:
    """Whether a number of it may have more digits than a double keeps."""
    stated = column.statistics
    if column.kind not in NUMBERS:
        return False
    if column.kind is Kind.NUMBER or stated is None:
        return stated is None or stated.smallest is not None
    extremes = filter(None, (stated.smallest, stated.largest))
    return any(len(re.sub(r"\D", "", value).lstrip("0")) > DOUBLE_DIGITS for value in extremes)


def longest_row_bytes(table: Table) -> int | None:
    """At most so many bytes of a row as the files spell it, without their codec; None where the manifest does not tell."""
    signs = 2 if table.is_delimited else 6  # of a byte: a doubled quote, or `\u0001`
    size = 0
    for column in table.columns:
        size += NUMBER_BYTES + sum(len(step.encode()) for step in path_of(column))
        if column.kind in (Kind.TEXT, Kind.JSON):
            if column.statistics is None:
                return None
            size += signs * (column.statistics.longest_bytes or 0)
    return size


def named(columns: Iterable[ManifestColumn]) -> tuple[str, ...]:
    """The names of columns, in order."""
    return tuple(column.name for column in columns)


def distinct_names(table: Table, longest_bytes: int = 10**6, *, folded: bool = True) -> list[str]:
    """Names of the columns that a database tells apart: at most so long, and other than in upper and lower case (`folded`)."""
    names: list[str] = []
    taken: set[str] = set()
    for column in table.columns:
        name, count = _cut(column.name, longest_bytes), 1
        while (name.casefold() if folded else name) in taken:
            count += 1
            mark = f"_{count}"
            name = _cut(column.name, longest_bytes - len(mark)) + mark
        taken.add(name.casefold() if folded else name)
        names.append(name)
    return names


def _cut(name: str, longest_bytes: int) -> str:
    return name.encode()[:longest_bytes].decode(errors="ignore")
