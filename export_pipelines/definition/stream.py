"""`stream:` of an export without an end: its sink, where it starts, how long rows may need to settle."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.definition.destinations.named import Named, files_in, secrets_in
from export_pipelines.definition.destinations.s3 import BucketName, Endpoint
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import Seconds
from export_pipelines.definition.output import WrittenCompression
from export_pipelines.definition.words import ByteSize, Flag, fault, read_day
from export_pipelines.errors import RequestError
from export_pipelines.templates import OBJECT_WORDS, template_faults, words_in
from export_pipelines.yaml.schema_faults import plain_faults, shown_value

STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
SECONDS_PATTERN = r"^[1-9][0-9]{0,4} (ms|s|min)$"
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}
MiB = 2**20
MAX_OBJECT_BYTES = 64_000_000  # which wait in memory


def _seconds(value: Any) -> Any:
    if isinstance(value, float | int) and not isinstance(value, bool) and value > 0:
        return float(value)
    if not isinstance(value, str) or not re.fullmatch(SECONDS_PATTERN, value):
        raise fault(f"a time is expected, not {shown_value(value)}; write 500 ms, 60 s or 5 min")
    number, unit = value.split()
    return int(number) * SECONDS[unit]


Duration = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=Annotated[str, Field(pattern=SECONDS_PATTERN)] | float),
]


def _stream_name(value: str) -> str:
    if not STREAM_NAME.fullmatch(value):
        raise fault("the name of a stream is 1 to 128 letters, digits, dots, hyphens and underscores")
    return value


StreamName = Annotated[str, AfterValidator(_stream_name)]


def _object_folder(value: str) -> str:
    for text in template_faults(value, OBJECT_WORDS):
        raise fault(text)
    if "hour" not in words_in(value):
        raise fault("a folder of objects holds {{hour}}, since a manifest lists what was put in each hour")
    if not value.endswith("/") or value.startswith("/") or ".." in value.split("/"):
        raise fault(
            'a folder of objects is expected: it ends with "/", and has no "/" at its beginning and no ".."'
        )
    return value


class AwsSettings(BaseModel):
    """How a service is reached. Without keys, boto3 finds them: variables, a profile, the machine's role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_url: Endpoint | None = None
    region: str | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None
    ca: str | None = None
    timeout_s: Seconds = 30

    @model_validator(mode="after")
    def _both_keys(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise fault("access_key and secret_key go together")
        return self

    def named(self) -> Iterator[Named]:
        """What allowed.yaml has to permit."""
        yield from secrets_in(self)
        yield from files_in(ca=self.ca)
        if self.endpoint_url is not None:
            yield Named(("endpoint_url",), "hosts", host_of(self.endpoint_url) or "")


class KinesisSettings(AwsSettings):
    """Records of a Kinesis data stream. `partition_key` is the id of an exported column: records of one value stay in
    order, unless `ordered` is false: then a call takes many of them. `record_bytes` is the stream's own limit of a record with its key, at most 10 MiB."""

    kind: ClassVar[str] = "kinesis"

    stream: StreamName
    partition_key: str
    ordered: Flag = True
    record_bytes: Annotated[ByteSize, Field(le=10 * MiB)] = MiB

    def reaches(self) -> str:
        """The place, as roles of access.yaml name it."""
        return self.stream


class FirehoseSettings(AwsSettings):
    """Records of a Firehose delivery stream, a line each."""

    kind: ClassVar[str] = "firehose"

    stream: StreamName

    def reaches(self) -> str:
        return self.stream


class S3StreamSettings(AwsSettings):
    """Objects below the folder `key`: a new one begins each `every` while there are rows, and at `bytes` of its finished
    size; until then it is kept in memory."""

    kind: ClassVar[str] = "s3"

    bucket: BucketName
    key: Annotated[str, AfterValidator(_object_folder)] = "{{export}}/{{date}}/{{hour}}/"
    every: Duration = 60.0
    bytes: Annotated[ByteSize, Field(le=MAX_OBJECT_BYTES)] = 16_000_000
    format: Literal["ndjson", "parquet"] = "ndjson"
    compression: WrittenCompression = "gzip"

    @model_validator(mode="after")
    def _no_archive(self) -> Self:
        if self.compression == "zip":
            raise fault("objects of a stream are read as they come: none, gzip or zstd")
        return self

    def reaches(self) -> str:
        return f"{self.bucket}/{self.key}"

    def named(self) -> Iterator[Named]:
        yield from super().named()
        yield Named(("bucket",), "buckets", self.bucket)


SinkSettings = KinesisSettings | FirehoseSettings | S3StreamSettings
SINKS: tuple[str, ...] = ("kinesis", "firehose", "s3")


def _start(value: Any) -> Any:
    if value in ("now", "beginning"):
        return value
    if isinstance(value, str | date):
        return read_day(value)
    raise fault(f"now, beginning or a day such as 2024-01-01 is expected, not {shown_value(value)}")


class RetainedWal(BaseModel):
    """How much of its WAL a PostgreSQL may keep for the stream's replication slot. Beyond `limit`, an alert is raised, or the slot
    is dropped: the stream then ends, and rows are missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: ByteSize = 10_000_000_000
    exceeded: Literal["alert", "drop"] = "alert"


class Stream(BaseModel):
    """An export without an end. `from` is where it starts when it has never run; `settle` is how long a transaction may
    take where the database cannot tell what was committed late; `wal` bounds what a replication slot keeps; `envelope` puts id, sequence and schema version around
    each record."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kinesis: KinesisSettings | None = None
    firehose: FirehoseSettings | None = None
    s3: S3StreamSettings | None = None
    start: Annotated[
        Literal["now", "beginning"] | date,
        BeforeValidator(_start, json_schema_input_type=str),
        Field(alias="from"),
    ] = "now"
    settle: Duration | None = None
    wal: RetainedWal = RetainedWal()
    envelope: Flag = True

    @model_validator(mode="after")
    def _one_sink(self) -> Self:
        if len(self._sinks) != 1:
            raise fault(f"one sink is expected: {', '.join(SINKS)}")
        if self.s3 and self.s3.format == "parquet" and self.envelope and "envelope" in self.model_fields_set:
            raise fault("rows of Parquet have columns, and no envelope; take `envelope` out")
        return self

    @property
    def _sinks(self) -> list[tuple[str, SinkSettings]]:
        return [(name, sink) for name in SINKS if (sink := getattr(self, name)) is not None]

    @property
    def kind(self) -> str:
        """The word of the sink."""
        return self._sinks[0][0]

    @property
    def sink(self) -> SinkSettings:
        return self._sinks[0][1]

    def sent_to(self, place: str) -> Self:
        """The same to another stream, or another folder of the bucket. Raises RequestError for what is none."""
        key = "key" if self.s3 else "stream"
        settings = {**self.sink.model_dump(by_alias=True, exclude_unset=True), key: place}
        same = self.model_dump(by_alias=True, exclude_unset=True) | {self.kind: settings}
        try:
            return self.model_validate(same)
        except ValidationError as error:
            text = next(iter(plain_faults(error, Stream)))[1]
            raise RequestError(text, where="--to") from error
