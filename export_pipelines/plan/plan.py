"""The plan: one run of one export as data. A few KB of JSON that holds no row, no secret, no clock."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.definition.in_plans import Contract, StoredEntry
from export_pipelines.definition.words import unless
from export_pipelines.errors import FatalError
from export_pipelines.plan.frozen import Frozen
from export_pipelines.plan.query.query import Query

Section = TypeVar("Section")


class Window(Frozen):
    """Half-open `[start, end)` in UTC. `key` names it in paths and in Dagster: a partition key, or `start_end`."""

    start: AwareDatetime
    end: AwareDatetime
    key: str

    model_config = ConfigDict(extra="allow")  # a manifest that holds it is given out as it is stored

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
    source: str  # empty for one that the run fills by itself
    component: str | None = None
    mask: Mask | None = None
    seals: tuple[Seal, ...] = ()
    query: tuple[str, ...] = ()

    @property
    def is_personal(self) -> bool:
        return self.pii is not PiiClass.NONE

    @property
    def is_stated(self) -> bool:
        """Whether a manifest may say something of its values: not where they are of a person, masked or redacted."""
        return not (self.is_personal or self.mask or self.seals)


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

    `residual` are those that the database cannot be asked exactly, see `ResidualFilter`.
    """

    text: tuple[str, ...]
    residual: tuple[str, ...] = ()


class Series(Frozen):
    """A time series: a row for each bucket that begins before `end`, from the one that holds `start` on; without these
    two from the first bucket that has rows to the last. None is missing if `fill`, but for hours and days that the filter
    leaves out by `dates`, `weekdays` (0 is Sunday) or `hours`."""

    every: Bucket
    fill: bool
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    dates: tuple[date, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: str | None = None


class Report(Frozen):
    """What becomes of the groups that the query gives: metrics out of measures, a series without gaps, a pivot.

    `keys` are ids of the columns that make a group, in order, the series' bucket first. `missing` are metrics that
    cannot be told for these groups and are null, `notes` why, and what else a reader of the numbers must know. Groups of
    fewer than `min_group` leads are left out.
    """

    over: str
    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    series: Series | None = None
    pivot: str | None = None
    totals: bool = False
    min_group: int | None = Field(default=None, exclude_if=lambda size: size is None)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Projection(Frozen):
    columns: tuple[OutputColumn, ...]


class Repeating(Frozen):
    """A source column with the JSON of rows in which a key may stand twice on the way to one of `values`, each a semantic
    type and a dotted path; null in other rows. The columns of `own` and `never` hold the first value of such a key."""

    column: str
    values: tuple[tuple[str, str], ...]


class Masking(Frozen):
    """The output columns with their masks.

    `removed` are ids left out for privacy; `key_ids` names the versions of the keys that the run uses
    (`HASH_KEY_2:1a2b3c4d`), so that a rotated key makes other content.
    `own` are source columns with the row's names, streets and birth dates, which are redacted from its texts; `never`
    those of never-exported types, whose values are taken out of every personal text; `repeating` has more values of both.
    """

    columns: tuple[OutputColumn, ...]
    removed: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    repeating: tuple[Repeating, ...] = Field(default=(), exclude_if=lambda columns: not columns)


class Encoding(Frozen):
    """`format` is a row of stream's table of encoders; `options` are that format's own (pretty, null_marker, ...)."""

    format: str
    options: dict[str, Any] = Field(default_factory=dict)
    media_type: str
    max_rows: int | None = None  # of one part, where the format has an end
    reader: str | None = unless(None)  # whose recipe's options it has


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
    recipes: tuple[str, ...] = unless(())  # of these readers, delivered beside the files


class RightsUsed(Frozen):
    """With whose rights a plan was made, and what the rights of whoever asked for it narrowed. `flows` are the sets of
    flows of which each row is one: of the export's filter, and of the roles; `min_group` of reports."""

    owner: str
    owner_role: str
    asker: str | None = None
    asker_role: str | None = None
    narrowed: tuple[str, ...] = ()
    flows: tuple[tuple[str, ...], ...] = ()
    min_group: int | None = None


class Changes(Frozen):
    """The run writes the rows that were added, changed or removed since an artifact of the same `series`, see
    `plan/changes.py`. `key` is the id of the output column that tells rows apart; one of `full_every` artifacts is a full set."""

    series: str
    key: str
    full_every: int | None = None


class Head(Frozen):
    """Whose plan it is. `overrides` replace keys of the definition's filter for one run; `rights` are None where there is no
    access.yaml. `contract` says which changes of the columns may be met by those who read `version` of them."""

    export: str
    type: str
    owner: str | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)
    rights: RightsUsed | None = Field(default=None, exclude_if=lambda rights: rights is None)
    contract: Contract = unless("additive")
    version: int = unless(1)

    @property
    def is_usual(self) -> bool:
        """Whether it gives what the definition says, with no override and nothing narrowed for whoever asked."""
        return not self.overrides and not (self.rights and self.rights.narrowed)


class Plan(Head):
    """One run, whole; `PlanDraft` is what it is made from. `report` is there for a report only."""

    extract: Extract
    filter: Predicates
    report: Report | None = None
    changes: Changes | None = unless(None)
    projection: Projection
    masking: Masking
    query: Query
    encoding: Encoding
    compression: Compression
    output: Output


class PlanDraft(Head):
    """A plan on its way: each step of `compile_plan` adds its sections."""

    extract: Extract | None = None
    filter: Predicates | None = None
    report: Report | None = None
    changes: Changes | None = unless(None)
    projection: Projection | None = None
    masking: Masking | None = None
    query: Query | None = None
    encoding: Encoding | None = None
    compression: Compression | None = None
    output: Output | None = None

    def whole(self) -> Plan:
        """The plan. Raises FatalError when a step is missing."""
        sections = {name: getattr(self, name) for name in Plan.model_fields}
        lacking = [
            name for name, item in sections.items() if item is None and Plan.model_fields[name].is_required()
        ]
        if lacking:
            raise FatalError(f"the plan is not whole: it lacks {', '.join(lacking)}", where=self.export)
        return Plan(**sections)


def added(section: Section | None, name: str) -> Section:
    """The section of a draft that an earlier step adds. Raises FatalError when that was not run."""
    if section is None:
        raise FatalError(f"the step `{name}` comes before this one", remedy="run it again from `extract`")
    return section


def schema_hash(columns: Iterable[OutputColumn]) -> str:
    """SHA-256 over the output's names, kinds and masks, which is what a reader of the files relies on."""
    schema = [[c.header, c.kind, c.scale, c.mask] for c in columns]
    return hashlib.sha256(json.dumps(schema).encode()).hexdigest()


def iso(moment: datetime) -> str:
    """ISO 8601 UTC with milliseconds and Z, the one spelling of a time in plans, manifests and output."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
