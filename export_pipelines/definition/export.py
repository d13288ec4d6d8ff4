"""An export definition: one YAML file as a frozen model."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from export_pipelines.definition.destinations import DestinationSettings
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.in_plans import Contract, StoredEntry
from export_pipelines.definition.mode import Changes
from export_pipelines.definition.output import Compression, Format
from export_pipelines.definition.report import Report
from export_pipelines.definition.reserved_names import AD_HOC
from export_pipelines.definition.stream import Stream
from export_pipelines.definition.words import ByteSize, Count, Flag, unless

Cadence = Literal["daily", "weekly", "monthly", "weekly of month"]
WEEKS_OF_MONTH: Cadence = (
    "weekly of month"  # from the 1st, 8th, 15th and 22nd, the last one to the month's end
)
RETRY_FOR = "3 days"
ExportType = Literal["lead", "event", "report"]
MaskWord = Literal["remove", "hash", "mask", "tokenize", "redact", "keep"]


class Smart(BaseModel):
    """Fields by rule instead of by name; what is left is in catalog order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    required: Flag = False  # required fields only
    exclude_pii: Flag = False  # no PII of any class; of a PII value, the components that may remain
    light: Flag = False  # without the wide JSON objects
    exclude: tuple[str, ...] = ()  # ids or globs


class Split(BaseModel):
    """A new part begins at `rows` rows or at `bytes` bytes of the finished part, whichever comes first."""

    EXAMPLE: ClassVar[str] = "split: {rows: 100000}"
    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Count | None = None
    bytes: ByteSize | None = None


class Limits(BaseModel):
    """Past these the run stops: rows, and bytes before compression."""

    EXAMPLE: ClassVar[str] = "limits: {rows: 1000000}"
    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Count = 5_000_000
    bytes: ByteSize = 5_000_000_000


BadJson = Literal["error", "null"]  # what becomes of stored JSON that does not parse


class ExportDefinition(BaseModel):
    """What was asked for. `name` is the file's name, `path` the file, both given by the loader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    description: str = ""
    owner: str | None = None
    type: ExportType
    format: Format
    fields: Literal["all"] | tuple[str, ...] | Smart = "all"
    report: Report | None = None  # of a report only, which has no fields
    filter: Filter = Filter()
    sort: tuple[str, ...] = ()  # field ids that sort the rows before the dataset's own order
    changes: Changes | None = unless(
        None
    )  # in place of all rows: what changed since the last delivered artifact
    partition: Cadence | None = None  # None: one window, by `filter.last` or given at the run
    stream: Stream | None = unless(None)  # of an export without an end, which has neither windows nor files
    schedule: str | None = None  # a cron line in UTC, made from the words by the loader; None is manual
    retry_for: str = RETRY_FOR  # how long a window of the schedule that failed is tried again
    start: str | None = None  # first day of the partitions, YYYY-MM-DD
    privacy: dict[str, MaskWord] = {}
    split: Split = Split()
    compression: Compression = Compression()
    naming: str | None = None  # part name template, Jinja words; None: that of default_naming
    skip_empty: bool = False
    bad_json: BadJson = "error"
    deliver: tuple[DestinationSettings, ...] = ()
    retention: str | None = None
    quiet_hours: str | None = None  # "22:00-06:00" UTC: runs begin in these hours only
    limits: Limits = Limits()
    overrides: dict[str, Any] = {}  # what a launch laid over the file's filter
    readers: tuple[str, ...] = Field(  # `for`: the programs that read the files
        default=(), exclude_if=lambda names: not names
    )
    recipes: tuple[str, ...] = unless(())  # of these programs, delivered beside the files
    contract: Contract = unless("additive")
    version: int = unless(1)  # by which readers know the columns
    renamed_from: tuple[str, ...] = ()  # names that the export had; its history is theirs
    lines: dict[str, int] = Field(
        default_factory=dict, exclude=True, repr=False
    )  # "fields.2" -> line of the file

    @property
    def is_ad_hoc(self) -> bool:
        """Whether it stands in no file, but in a request."""
        return self.name.startswith(AD_HOC)

    @field_serializer("deliver")
    def _stored(self, deliver: tuple[DestinationSettings, ...]) -> list[StoredEntry]:
        return [destination.stored() for destination in deliver]

    def at(self, *key: str | int) -> str:
        """`exports/daily.yaml:7`, the place of `key`, or of the nearest key around it, for an error."""
        for length in range(len(key), 0, -1):
            line = self.lines.get(".".join(map(str, key[:length])))
            if line:
                return f"{self.path}:{line}"
        return str(self.path)
