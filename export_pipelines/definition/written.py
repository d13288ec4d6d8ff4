"""An export's YAML as people write it: one model from which both the checks and the JSON Schema come."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.definition.delivery import WrittenDestination
from export_pipelines.definition.export import (
    RETRY_FOR,
    WEEKS_OF_MONTH,
    BadJson,
    Cadence,
    ExportType,
    Limits,
    MaskWord,
    Smart,
    Split,
)
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.in_plans import Contract
from export_pipelines.definition.mode import WrittenMode
from export_pipelines.definition.output import WrittenCompression, WrittenFormat
from export_pipelines.definition.readers import ReaderName
from export_pipelines.definition.report import Over, Report, TimeBasis
from export_pipelines.definition.schedule import Schedule, ScheduleFault, read_schedule
from export_pipelines.definition.stream import Stream
from export_pipelines.definition.words import Count, DayText, Flag, Hours, Names, Span, fault, listed
from export_pipelines.templates import PART_WORDS, header_faults, template_faults
from export_pipelines.yaml.schema_faults import shown_value

REPORT_KEYS = tuple(Report.model_fields)
_SHAPES = {str: "(word)", list: "(list)", dict: "(mapping)"}


def _fields_shape(value: Any) -> Any:
    if (isinstance(value, str) and value != "all") or not isinstance(value, (str, list, dict)):
        raise fault(
            "`all`, a list such as [lead_id, email.domain, custom.*], or a mapping of required, exclude_pii, light and "
            f"exclude is expected, not {shown_value(value)}"
        )
    return value


_Fields = Annotated[
    Union[  # noqa: UP007
        Annotated[Literal["all"], Tag("(word)")],
        Annotated[Annotated[list[str], Field(min_length=1)], Tag("(list)")],
        Annotated[Smart, Tag("(mapping)")],
    ],
    Discriminator(lambda value: _SHAPES.get(type(value))),
]


class Weeks(BaseModel):
    """`{every: week, of: month}`: the weeks that begin on the 1st, 8th, 15th and 22nd; the last one ends with the month."""

    model_config = ConfigDict(extra="forbid")

    every: Literal["week"]
    of: Literal["month"]


WrittenPartition = Annotated[
    Union[  # noqa: UP007
        Annotated[Literal["daily", "weekly", "monthly"], Tag("(word)")],
        Annotated[Weeks, Tag("(mapping)")],
    ],
    Discriminator(lambda value: "(mapping)" if isinstance(value, dict | Weeks) else "(word)"),
]


def cadence_of(written: "WrittenExport") -> Cadence | None:
    """The window of one run: as written, else the word of the schedule; `filter.last` is a window of its own."""
    if written.partition:
        return WEEKS_OF_MONTH if isinstance(written.partition, Weeks) else written.partition
    return written.schedule.cadence if written.schedule and not written.filter.last else None


def _schedule(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault(f"a schedule is expected, not {shown_value(value)}; for example daily at 02:00")
    try:
        return read_schedule(value)
    except ScheduleFault as error:
        raise fault(str(error)) from error


class Retried(BaseModel):
    """A schedule that says how long a window that failed is tried again."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    when: Annotated[Schedule, BeforeValidator(_schedule, json_schema_input_type=str)]
    retry_for: Annotated[
        Span, Field(description="How long a window that failed is tried again.", examples=["1 week"])
    ] = RETRY_FOR


def _flat(value: Schedule | Retried) -> Schedule:
    return replace(value.when, retry_for=value.retry_for) if isinstance(value, Retried) else value


_Schedule = Annotated[
    Union[  # noqa: UP007
        Annotated[Annotated[Schedule, BeforeValidator(_schedule, json_schema_input_type=str)], Tag("(word)")],
        Annotated[Retried, Tag("(mapping)")],
    ],
    Discriminator(lambda value: "(mapping)" if isinstance(value, dict | Retried) else "(word)"),
    AfterValidator(_flat),
]
if TYPE_CHECKING:
    WrittenSchedule = Schedule  # what the validators make of it
else:
    WrittenSchedule = _Schedule


def _naming(value: str) -> str:
    for text in (*template_faults(value, PART_WORDS), *header_faults(value)):  # a mail names it in a header
        raise fault(text)
    if value.strip() == "manifest.json" or value.startswith(".") or "/" in value or "\\" in value:
        raise fault(
            "a part has a plain file name, without slashes, not beginning with a dot, and not manifest.json"
        )
    return value


class WrittenExport(BaseModel):
    """An export: which leads, which fields, in which files, when, and where they go."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, title="Export definition")

    description: Annotated[str, Field(description="What the export is for, for those who meet it.")] = ""
    owner: Annotated[str | None, Field(description="Who answers for it.")] = None
    type: Annotated[ExportType, Field(description="What is exported.")]
    format: Annotated[
        WrittenFormat,
        Field(description="The format, or a mapping of it to its options; a stream has that of its sink."),
    ]
    fields: Annotated[
        _Fields,
        BeforeValidator(_fields_shape, json_schema_input_type=_Fields),
        Field(description="`all`, a list of ids and globs in output order, or a choice by rule."),
    ] = "all"
    filter: Annotated[Filter, Field(description="Which leads; everything given must hold.")] = Filter()
    sort: Annotated[
        tuple[str, ...],
        Field(description="Fields that sort the rows; by default time does.", examples=[["lead_id"]]),
    ] = ()
    mode: Annotated[
        WrittenMode,
        Field(
            description="`full` exports all rows; `changes` those that were added, changed or removed since the last delivered "
            "artifact.",
            examples=[{"changes": {"full": "every 30"}}],
        ),
    ] = "full"
    partition: Annotated[
        WrittenPartition | None,
        Field(description="The window of one run; by default the word of the schedule."),
    ] = None
    schedule: Annotated[
        WrittenSchedule | None,
        Field(
            description="daily, weekly or monthly with a day and a time, or a cron line; UTC; absent is manual. A mapping "
            "of `when` and `retry_for` says how long a window that failed is tried again, else 3 days.",
            examples=[
                "daily at 02:00",
                "weekly on monday at 02:00",
                "monthly on 15 at 06:30",
                "30 2 * * 1-5",
                {"when": "daily at 02:00", "retry_for": "1 week"},
            ],
        ),
    ] = None
    start: Annotated[DayText | None, Field(description="First day of the partitions.")] = None
    stream: Annotated[
        Stream | None,
        Field(description="In place of partitions: an export without an end, and the sink of its records."),
    ] = None
    metrics: Annotated[
        list[str], Field(description="Of a report: what is measured.", examples=[["leads", "cost"]])
    ] = []
    group_by: Annotated[list[str], Field(description="Of a report: a row for each group of these.")] = []
    every: Annotated[Bucket | None, Field(description="Of a report: a row for each bucket of time.")] = None
    fill: Annotated[Flag, Field(description="Of a report: buckets without rows are there, too.")] = True
    pivot: Annotated[str | None, Field(description="Of a report: the group whose values become columns.")] = (
        None
    )
    totals: Annotated[Flag, Field(description="Of a report: a last row over everything.")] = False
    over: Annotated[Over, Field(description="Of a report: what is counted.")] = "events"
    time_basis: Annotated[
        TimeBasis | None,
        Field(description="Of a report over events: by the time of the event, or of the lead."),
    ] = None
    privacy: Annotated[
        dict[str, MaskWord],
        Field(
            description="Field id, glob or class (direct, sensitive, indirect) to what becomes of its values; the closest "
            "key wins. As soon as one personal field is hidden, each other that people type needs a word.",
            examples=[{"email": "hash", "phone_*": "mask", "direct": "redact"}],
        ),
    ] = {}
    split: Annotated[Split, Field(description="When a new part begins.")] = Split()
    compression: Annotated[
        WrittenCompression, Field(description="A codec, or a mapping of it to its level.")
    ] = "none"
    naming: Annotated[
        Annotated[str, AfterValidator(_naming)] | None,
        Field(description="Template of the parts' names.", examples=["leads_{{date}}_{{part}}.{{ext}}"]),
    ] = None
    skip_empty: Annotated[Flag, Field(description="Deliver nothing when no lead matches.")] = False
    bad_json: Annotated[
        BadJson,
        BeforeValidator(
            lambda value: "null" if value is None else value, json_schema_input_type=BadJson | None
        ),
        Field(
            description="What becomes of stored JSON that does not parse: the run fails, or it is null and counted."
        ),
    ] = "error"
    deliver: Annotated[list[WrittenDestination], Field(description="Where the files go.")] = []
    retention: Annotated[Span | None, Field(description="How long the artifact is kept.")] = None
    quiet_hours: Annotated[
        Hours | None, Field(description="Runs begin in these hours only, UTC.", examples=["22:00-06:00"])
    ] = None
    limits: Annotated[Limits, Field(description="Past these the run stops.")] = Limits()
    readers: Annotated[
        tuple[ReaderName, ...],
        BeforeValidator(listed, json_schema_input_type=ReaderName | tuple[ReaderName, ...]),
        Field(
            alias="for",
            description="The programs that read the files: `check` warns of what they would change.",
            examples=[["mariadb", "excel"]],
        ),
    ] = ()
    recipes: Annotated[
        tuple[ReaderName, ...],
        BeforeValidator(listed, json_schema_input_type=ReaderName | tuple[ReaderName, ...]),
        AfterValidator(lambda names: tuple(dict.fromkeys(names))),
        Field(
            description="The programs whose recipes are delivered beside the files.",
            examples=[["postgresql", "pandas"]],
        ),
    ] = ()
    contract: Annotated[
        Contract,
        Field(
            description="Which changes of the columns a run may make: none, columns added at the end, or any. A change that "
            "breaks readers stops the run, unless `version` is raised with it."
        ),
    ] = "additive"
    version: Annotated[
        Count, Field(description="By which readers know the columns; raise it to release a change.")
    ] = 1
    renamed_from: Annotated[
        Names,
        Field(
            description="The name that the export had, or a list of them: their history and schedule are its own.",
            examples=["daily_backup"],
        ),
    ] = ()

    @property
    def report(self) -> Report | None:
        """The keys of a report, for a report only."""
        if self.type != "report":
            return None
        return Report.model_validate({key: getattr(self, key) for key in REPORT_KEYS})


def definition_schema() -> dict[str, Any]:
    """The JSON Schema of an export's YAML, for editors."""
    schema = WrittenExport.model_json_schema()
    schema["required"].remove("format")
    schema["anyOf"] = [{"required": ["format"]}, {"required": ["stream"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
