"""The plan: one run of one export as data. A few KB of JSON that holds no row, no secret, no clock."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from export_pipelines.catalog import Kind, PiiClass, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.definition.destinations import StoredEntry


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(Frozen):
    """Half-open `[start, end)` in UTC. `key` names it in paths and in Dagster: a partition key, or `start_end`."""

    start: AwareDatetime
    end: AwareDatetime
    key: str

    def __str__(self) -> str:
        return f"[{iso(self.start)}, {iso(self.end)})"


class Mask(StrEnum):
    """What is done to a value; the strictest wins: remove > hash > tokenize > redact > mask > keep."""

    REMOVE = "remove"
    HASH = "hash"
    TOKENIZE = "tokenize"
    REDACT = "redact"
    MASK = "mask"
    KEEP = "keep"


def shows_text(mask: Mask | None, type: str) -> bool:
    """Whether something of a text of this type may still be read, or be given back, so that what is never exported must
    be taken out of it first."""
    return mask not in (Mask.HASH, Mask.REMOVE) and (mask is not Mask.MASK or type == "url")


class SourceColumn(Frozen):
    """One column of the SELECT, `name` is the field's id; the stream conforms it to `kind` and `scale`."""

    name: str
    kind: Kind
    scale: int | None = None
    type: str  # semantic type
    stored_as: StoredAs = StoredAs.ISO  # of a timestamp, where the database has no such type
    in_json: bool = Field(default=False, exclude_if=lambda inside: not inside)  # given as it stands there


class Seal(Frozen):
    """A mask inside a JSON object: the value at `path` (dotted; `*` is every key without a seal of its own) of
    semantic type `type`. `mask` None: the value is not personal and is never changed."""

    path: str
    type: str
    mask: Mask | None
    query: tuple[str, ...] = ()  # parameters that a redacted URL keeps


class OutputColumn(Frozen):
    """One column of the output, made from source column `source`: its value, or its component `component`.

    `header` is the CSV and Parquet name, `json_path` the place in a JSON object. `mask` applies to the value;
    for a JSON object, `seals` apply to the values inside it. `query` names the parameters that a redacted URL keeps.
    """

    id: str
    header: str
    json_path: tuple[str, ...]
    kind: Kind
    scale: int | None = None
    type: str  # semantic type of the field
    pii: PiiClass
    required: bool = False
    source: str
    component: str | None = None
    mask: Mask | None = None
    seals: tuple[Seal, ...] = ()
    query: tuple[str, ...] = ()

    @property
    def is_personal(self) -> bool:
        return self.pii is not PiiClass.NONE


class Extract(Frozen):
    """Where rows come from, and the window cut from them."""

    dataset: str
    table: str
    dialect: str
    window: Window
    window_field: str
    order: tuple[str, ...]


class Predicates(Frozen):
    """What the filter demands, resolved against the catalog; `text` is one readable line for each predicate.

    `afterwards` are those that the database cannot be asked exactly, so that its rows are, see `Rest`.
    """

    text: tuple[str, ...]
    afterwards: tuple[str, ...] = Field(default=(), exclude_if=lambda lines: not lines)


class Series(Frozen):
    """A time series: a row for each bucket that begins before `end`, from the one that holds `start` on; without these
    two from the first bucket that has rows to the last. None is missing if `fill`, but for hours and days that the filter
    leaves out by `dates`, `weekdays` (0 is Sunday) or `hours`."""

    every: Bucket
    fill: bool
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    dates: tuple[date, ...] = Field(default=(), exclude_if=lambda dates: not dates)
    weekdays: tuple[int, ...] = Field(default=(), exclude_if=lambda weekdays: not weekdays)
    hours: str | None = Field(default=None, exclude_if=lambda hours: hours is None)


class Report(Frozen):
    """What becomes of the groups that the query gives: metrics out of measures, a series without gaps, a pivot.

    `keys` are ids of the columns that make a group, in order, the series' bucket first. `missing` are metrics that
    cannot be told for these groups and are null, `notes` why, and what else a reader of the numbers must know.
    """

    over: str
    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    series: Series | None = None
    pivot: str | None = None
    totals: bool = False
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Projection(Frozen):
    columns: tuple[OutputColumn, ...]


class Groups(Frozen):
    """What is asked once of all that a rest gave, in a table `measured` of these `columns`: the query's columns."""

    sql: str
    parameters: tuple[str | int | float | None, ...] = ()
    columns: tuple[str, ...]


class Rest(Frozen):
    """What the database cannot be asked exactly: its rows are asked afterwards, in a table `rest` of SQLite in memory.

    The table holds a batch of `columns`, which the database's SELECT gives after those of the query, and a `number` for
    each row; `sql` gives the numbers of the rows that stay, and those columns of the query, `told`, that the SELECT does
    not. With `groups` the SELECT gives `columns` only, and `sql` what is grouped at the end. Without `asks` every row
    stays.
    """

    sql: str
    parameters: tuple[str | int | float | None, ...] = ()
    columns: tuple[SourceColumn, ...]
    told: tuple[str, ...] = Field(default=(), exclude_if=lambda told: not told)
    asks: bool = Field(default=True, exclude_if=lambda asks: asks)
    groups: Groups | None = Field(default=None, exclude_if=lambda groups: groups is None)
    private: tuple[int, ...] = ()


class Mixed(Frozen):
    """Times that are texts of more than one spelling do not sort as their moments do: `asks` tells whether there are
    such, and `order` is what the query's rows are then sorted by."""

    asks: str
    parameters: tuple[str | int | float | None, ...] = ()
    order: str


class Query(Frozen):
    """The SELECT. `functions` lists SQL functions it calls that the reader must register (SQLite: regexp, fold, ...).

    `private` are positions of parameters that are compared with a personal field; they are never shown. With a `rest`
    that asks the count is that of the rows at most. `marked` columns hold BAD_JSON where stored JSON does not parse: an
    error, or null where `bad_json_is_null`. `suspects` reads the rows that `where` and `rules` have not
    chosen from yet, with the JSON that these and the groups ask about, so that a row that they cannot read can be named.
    """

    sql: str
    count_sql: str
    parameters: tuple[str | int | float | None, ...] = ()
    columns: tuple[SourceColumn, ...]
    functions: tuple[str, ...] = ()
    private: tuple[int, ...] = ()
    rest: Rest | None = Field(default=None, exclude_if=lambda rest: rest is None)
    marked: tuple[str, ...] = Field(default=(), exclude_if=lambda marked: not marked)
    bad_json_is_null: bool = Field(default=False, exclude_if=lambda null: not null)
    mixed: Mixed | None = Field(default=None, exclude_if=lambda mixed: mixed is None)
    suspects: "Query | None" = Field(default=None, exclude_if=lambda query: query is None)

    @property
    def is_private(self) -> bool:
        """Is anything compared with a personal field?"""
        return bool(self.private or (self.rest and self.rest.private))

    @property
    def selected(self) -> tuple[SourceColumn, ...]:
        """The columns that the SELECT gives."""
        if self.rest is None:
            return self.columns
        if self.rest.groups:
            return self.rest.columns
        return (*(one for one in self.columns if one.name not in self.rest.told), *self.rest.columns)

    @property
    def counts_at_most(self) -> bool:
        """Is the count that of the rows at most?"""
        return self.rest is not None and self.rest.asks


class Masking(Frozen):
    """The output columns with their masks, and the query that reads only what they need.

    `removed` are ids left out for privacy; `key_ids` names the versions of the keys that the run uses
    (`HASH_KEY_2:1a2b3c4d`), so that a rotated key makes another plan.
    `own` are source columns with the row's names, streets and birth dates, which are redacted from its texts; `never`
    those of never-exported types, whose values are taken out of every personal text.
    """

    columns: tuple[OutputColumn, ...]
    removed: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    query: Query


class Encoding(Frozen):
    """`format` is a row of stream's table of encoders; `options` are that format's own (pretty, null_marker, ...)."""

    format: str
    options: dict[str, Any] = {}
    media_type: str
    max_rows: int | None = None  # of one part, where the format has an end


class Compression(Frozen):
    codec: str
    level: int | None = None


class Output(Frozen):
    """How the bytes are cut, named and bounded, and where they go."""

    part_rows: int | None = None
    part_bytes: int | None = None  # of the finished, compressed part
    part_name: str  # "leads_part_{part}.csv.gz", `{part}` counts from 1
    max_rows: int
    max_bytes: int  # before compression, all parts together
    skip_empty: bool = False
    deliver: tuple[StoredEntry, ...] = ()


class Plan(Frozen):
    """One run. Each step of `compile_plan` fills one section; a plan is whole when none is None."""

    export: str
    type: str
    owner: str | None = None
    given: dict[str, Any] = {}  # what the launch laid over the definition's filter
    required: tuple[str, ...] = ()
    extract: Extract | None = None
    filter: Predicates | None = None
    report: Report | None = None  # of a report only
    projection: Projection | None = None
    masking: Masking | None = None
    encoding: Encoding | None = None
    compression: Compression | None = None
    output: Output | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the plan's canonical JSON: equal plan and equal rows give equal bytes."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def schema_hash(columns: Iterable[OutputColumn]) -> str:
    """SHA-256 over the output's names, kinds and masks, which is what a reader of the files relies on."""
    told = [[c.header, c.kind, c.scale, c.mask] for c in columns]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def iso(moment: datetime) -> str:
    """ISO 8601 UTC with milliseconds and Z, the one spelling of a time in plans, manifests and output."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
