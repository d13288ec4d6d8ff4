"""Which column of a CSV file is which field of a lead: read from a YAML file or from words of the command line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from export_pipelines.catalog.field import PiiClass
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import ImportFileError, unknown
from export_pipelines.importer.dates import DateOrder
from export_pipelines.importer.guess_dialect import checked_encoding
from export_pipelines.yaml.lines import Document, Key, YamlFault, read_yaml_file

KEYS = ("columns", "constants", "encoding", "delimiter", "timezone", "dates")
DETAILS = ("field", "type", "pii", "label", "format", "with")


class Match(StrEnum):
    """Why a column goes to its field: the mapping has its header, or the header is the field's own name, or neither has and
    it becomes a field of its own. The others are guesses."""

    MAPPING = "mapping"
    SIMILAR_IN_MAPPING = "similar header in the mapping"
    NAME = "name of the field"
    SIMILAR_NAME = "similar to the name of the field"
    USUAL_NAME = "usual name"
    NEW = "new field"

    @property
    def is_guess(self) -> bool:
        return self in (Match.SIMILAR_IN_MAPPING, Match.SIMILAR_NAME, Match.USUAL_NAME)


@dataclass(frozen=True)
class Target:
    """The field a column goes to, none where it is another's time of day. `type`, `pii` and `label` declare a custom
    field; `format` is strptime's, for dates and timestamps written another way than ISO 8601; `time_in` names the column
    with the time of day that belongs to this one's date, and `time_at` is its place; `match` tells why it goes there."""

    field: str
    type: str | None = None
    pii: str | None = None
    label: str | None = None
    format: str | None = None
    time_in: str | None = None
    time_at: int | None = None
    match: Match = Match.MAPPING


@dataclass(frozen=True)
class Mapping:
    """CSV header -> target; field id -> text that every row gets; the zone of times without an offset; encoding, what
    parts cells, and the order of dates as `1/2/2024`, None for what the file shows."""

    columns: dict[str, Target] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    zone: tzinfo = UTC
    encoding: str | None = None
    dates: DateOrder | None = None


def mapping_of(words: Sequence[str], constants: Iterable[str] = ()) -> Mapping:
    """The mapping of the command line: each word is a YAML file or `HEADER=field`, a later one wins;
    each constant is `field=text`. Raises ImportFileError."""
    mapping = Mapping()
    for word in words:
        header, equals, target = word.rpartition("=")
        if Path(word).suffix in (".yaml", ".yml"):
            loaded = load_mapping(Path(word))
            mapping = replace(
                loaded,
                columns=mapping.columns | loaded.columns,
                constants=mapping.constants | loaded.constants,
            )
        elif equals and header and target.strip():
            mapping = replace(mapping, columns=mapping.columns | {header: Target(target.strip())})
        else:
            raise ImportFileError(
                f'"{word}" maps nothing', where="--map", remedy="'HEADER=field', or a file NAME.yaml"
            )
    for constant in constants:
        name, equals, text = constant.partition("=")
        if not (equals and name.strip()):
            raise ImportFileError(f'"{constant}" sets nothing', where="--set", remedy="'field=text'")
        mapping = replace(mapping, constants=mapping.constants | {name.strip(): text})
    return mapping


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file with the keys of KEYS. Raises ImportFileError with
    every fault, `file:line: text`."""
    try:
        document = read_yaml_file(path)
    except OSError as error:
        raise ImportFileError(f"cannot read the mapping: {error.strerror}", where=str(path)) from error
    except YamlFault as fault:
        raise ImportFileError(fault.what, where=f"{path}:{fault.line}") from fault
    reader = _MappingReader(document)
    mapping = reader.read()
    if reader.faults:
        raise ImportFileError("\n".join(f"{path}:{line}: {what}" for line, what in sorted(reader.faults)))
    return mapping


class _MappingReader:
    """One YAML document as a mapping; collects the faults instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.faults: list[tuple[int, str]] = []

    def read(self) -> Mapping:
        data = self._mapping((), self._document.data)
        for key in data:
            if key not in KEYS:
                self._fault((key,), unknown("key", key, KEYS))
        delimiter = data.get("delimiter")
        if delimiter is not None and (
            not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n'
        ):
            self._fault(("delimiter",), 'delimiter: one character is expected, such as ";" or "\\t"')
            delimiter = None
        zone = self._zone(data.get("timezone", "UTC"))
        columns = self._mapping(("columns",), data.get("columns"))
        constants = self._mapping(("constants",), data.get("constants"))
        return Mapping(
            {header: self._target(("columns", header), item) for header, item in columns.items()},
            {name: self._text(("constants", name), text) for name, text in constants.items()},
            delimiter,
            zone,
            self._encoding(data.get("encoding")),
            self._dates(data.get("dates")),
        )

    def _encoding(self, name: Any) -> str | None:
        try:
            return None if name is None else checked_encoding(str(name))
        except ImportFileError as error:
            self._fault(("encoding",), f"encoding: {error.what}; {error.remedy}")
            return None

    def _dates(self, order: Any) -> DateOrder | None:
        if order in (None, *DateOrder):
            return DateOrder(order) if order else None
        self._fault(("dates",), unknown("order", str(order), list(DateOrder)))
        return None

    def _zone(self, name: Any) -> tzinfo:
        try:
            return ZoneInfo(name) if isinstance(name, str) and name != "UTC" else UTC
        except (KeyError, ValueError, OSError):  # not known, a path, a folder
            self._fault(
                ("timezone",),
                f'timezone: a name of the IANA is expected, such as America/Chicago, not "{name}"',
            )
            return UTC

    def _target(self, key: Key, written: Any) -> Target:
        if not isinstance(written, dict):
            return Target(self._text(key, written))
        for name in written:
            if name not in DETAILS:
                self._fault((*key, name), unknown("key", name, DETAILS))
        if "field" not in written:
            self._fault(key, f'"{key[-1]}" names no field')
        parts = {name: self._text((*key, name), written[name]) for name in DETAILS if name in written}
        if parts.get("type") not in (None, *SEMANTIC_TYPES):
            self._fault((*key, "type"), unknown("type", parts["type"], SEMANTIC_TYPES))
        if parts.get("pii") not in (None, *PiiClass):
            self._fault((*key, "pii"), unknown("PII class", parts["pii"], list(PiiClass)))
        if "%Z" in parts.get("format", "").replace("%%", ""):
            what = "%Z takes names of zones that hang on the machine; write %z for an offset, or a `timezone:` for the file"
            self._fault((*key, "format"), what)
        return Target(
            parts.get("field", ""),
            parts.get("type"),
            parts.get("pii"),
            parts.get("label"),
            parts.get("format"),
            parts.get("with"),
        )

    def _mapping(self, key: Key, written: Any) -> dict[str, Any]:
        if written is None or isinstance(written, dict):
            return written or {}
        self._fault(key, f"{key[-1] if key else 'a mapping file'}: a mapping (key: value) is expected")
        return {}

    def _text(self, key: Key, written: Any) -> str:
        if isinstance(written, str):
            return written
        self._fault(key, f'"{key[-1]}": text is expected; put it in quotes')
        return ""

    def _fault(self, key: Key, what: str) -> None:
        self.faults.append((self._document.line(key), what))
