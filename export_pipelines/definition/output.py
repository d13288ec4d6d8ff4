"""How files are written: the tables of formats and codecs, each with its options as people write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from export_pipelines.definition.one_of import OneOf, one_of
from export_pipelines.definition.readers import FORMS, NEEDS, ReaderName, unread
from export_pipelines.definition.words import Flag, fault, unless
from export_pipelines.yaml.schema_faults import shown_value


class Format(BaseModel):
    """A row of FORMATS and all of its options, with the reader whose recipe they are for, where one is named."""

    model_config = ConfigDict(frozen=True)

    name: str
    options: dict[str, Any] = {}
    reader: str | None = unless(None)


class Compression(BaseModel):
    model_config = ConfigDict(frozen=True)

    codec: str = "none"
    level: int | None = None


class _Options(BaseModel):
    """`for` names the reader whose recipe's options are taken, see `_with_needs`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: Annotated[ReaderName | None, Field(alias="for", exclude=True)] = None


def _null_marker(value: str) -> str:
    if any(sign in value for sign in '",\t\r\n') or (value and not value.strip()):
        raise fault(
            "a null marker is more than blanks, and holds no quote, comma, tab or line break; for example \\N or NULL"
        )
    return value


class DelimitedOptions(_Options):
    """CSV and TSV: header of ids or of labels, how null is written, whether cells that a spreadsheet would run are made safe."""

    header: Literal["ids", "labels"] = "ids"
    null_marker: Annotated[str, AfterValidator(_null_marker)] = ""
    spreadsheet_safe: Flag = False


LIKE_A_NUMBER = re.compile(r"-?[0-9.]+")


def _delimiter(value: str) -> str:
    if len(value) != 1 or not value.isascii() or value.isalnum() or value in "\"\r\n-+. '":
        raise fault('a delimiter is one character that no value begins with, such as ";" or "|"')
    return value


class CsvOptions(DelimitedOptions):
    """What programs want that read CSV in their own way. `quote`: `minimal`; `text` for all but numbers, with null bare; `all`,
    null too. `bom` tells Excel that it is UTF-8."""

    quote: Literal["minimal", "text", "all"] = unless("minimal")
    bom: Flag = unless(False)
    line_ending: Literal["lf", "crlf"] = unless("lf")
    delimiter: Annotated[str, AfterValidator(_delimiter)] = unless(",")

    @model_validator(mode="after")
    def _null_can_be_told(self) -> Self:
        if self.null_marker and (self.quote == "all" or self.delimiter in self.null_marker):
            raise fault("a null marker stands bare: it cannot be quoted, nor hold the delimiter")
        if self.quote == "text" and LIKE_A_NUMBER.fullmatch(self.null_marker):
            raise fault("with `quote: text` numbers stand bare, so a null marker cannot be one")
        return self


class TsvOptions(DelimitedOptions):
    """`escape: backslash` writes what databases load as TSV: no quotes, `\\t`, `\\n`, `\\r` and `\\\\` in texts, `\\N` for null."""

    escape: Literal["backslash"] | None = unless(None)

    @model_validator(mode="after")
    def _has_one_null(self) -> Self:
        if self.escape and self.null_marker:
            raise fault("null is \\N where texts are escaped; leave null_marker out")
        return self


class JsonOptions(_Options):
    """JSON: `pretty` puts each value on a line of its own."""

    pretty: Flag = False


class XlsxOptions(_Options):
    """XLSX: header of ids or of labels."""

    header: Literal["ids", "labels"] = "ids"


class NoOptions(_Options):
    """A format without options."""


@dataclass(frozen=True)
class FormatSpec:
    """A format: the end of its file names, its media type, its options, whether a value may be an object, the most rows
    of one file, and the codecs that may be asked for where it compresses by itself."""

    extension: str
    media_type: str
    options: type[_Options]
    nested: bool = False
    max_rows: int | None = None
    own_codecs: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodecSpec:
    """A codec: what it adds to a file name, the levels it takes (none for no level), its media type."""

    suffix: str
    levels: range
    media_type: str | None


FORMATS: Mapping[str, FormatSpec] = {
    "csv": FormatSpec("csv", "text/csv", CsvOptions),
    "tsv": FormatSpec("tsv", "text/tab-separated-values", TsvOptions),
    "json": FormatSpec("json", "application/json", JsonOptions, nested=True),
    "ndjson": FormatSpec("ndjson", "application/x-ndjson", NoOptions, nested=True),
    "parquet": FormatSpec(
        "parquet", "application/vnd.apache.parquet", NoOptions, own_codecs=("none", "gzip", "zstd")
    ),
    "xlsx": FormatSpec(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        XlsxOptions,
        max_rows=1_048_575,  # and the header
        own_codecs=("none",),
    ),
}

CODECS: Mapping[str, CodecSpec] = {
    "none": CodecSpec("", range(0), None),
    "gzip": CodecSpec(".gz", range(1, 10), "application/gzip"),
    "zip": CodecSpec(".zip", range(1, 10), "application/zip"),
    "zstd": CodecSpec(".zst", range(1, 23), "application/zstd"),
}


def _level(name: str, levels: range) -> Any:
    def check(level: int) -> int:
        if level not in levels:
            raise fault(
                f"{name} takes a level from {levels.start} (fast) to {levels.stop - 1} (small), not {level}"
            )
        return level

    return Annotated[int, AfterValidator(check)]


def _with_needs(format: str, written: Any) -> Any:
    """The options of a format as they are written, and those that the recipe of the reader `for` needs."""
    reader = written.get("for") if isinstance(written, dict) else None
    if not isinstance(reader, str) or reader not in FORMS:
        return written
    if why := unread(reader, format):
        raise fault(f"for: {why}")
    needs = NEEDS.get(reader, {}).get(format, {})
    for option, value in needs.items():
        if written.get(option, value) != value:
            raise fault(
                f'{option}: {reader} needs "{value}", not {shown_value(written[option])}; leave {option} out, or for'
            )
    return {**needs, **written}


_FORMAT = OneOf(
    "format",
    {
        name: Annotated[spec.options, BeforeValidator(partial(_with_needs, name))]
        for name, spec in FORMATS.items()
    },
    tuple(FORMATS),
)
_CODEC = OneOf(
    "compression",
    {name: _level(name, spec.levels) for name, spec in CODECS.items() if spec.levels},
    tuple(CODECS),
)

WrittenFormat: Any = one_of(_FORMAT)
WrittenCompression: Any = one_of(_CODEC)


def format_of(written: Any) -> Format:
    """`csv` or `{csv: {header: labels}}`, already checked, with every option filled in."""
    name, options = _FORMAT.read(written)
    filled: _Options = options or FORMATS[name].options()
    return Format(name=name, options=filled.model_dump(), reader=filled.reader)


def compression_of(written: Any) -> Compression:
    """`gzip` or `{gzip: 9}`, already checked."""
    codec, level = _CODEC.read(written)
    return Compression(codec=codec, level=level)
