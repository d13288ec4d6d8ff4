"""From a definition to what a stream runs with: the mechanism by which new rows are found, and the plan of their records."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.stream import KinesisSettings, Stream
from export_pipelines.delivery import Resources
from export_pipelines.errors import RequestError
from export_pipelines.ledger import Ledger, Streams
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.compile import compile_plan
from export_pipelines.plan.plan import Plan, schema_hash
from export_pipelines.plan.request import PlanRequest
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Horizon, Mechanism, Start
from export_pipelines.streaming.horizons.open_horizon import choose_mechanism

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class StreamContext:
    """What every stream of a project works with."""

    source: Source
    keys: Keys
    ledger: Ledger
    resources: Resources
    now: Clock

    @property
    def streams(self) -> Streams:
        return Streams(self.ledger.engine, self.ledger.locks)


@dataclass(frozen=True)
class Prepared:
    """A stream that could begin: its definition, the mechanism and the plan. `row_id` is the field that tells rows apart."""

    definition: ExportDefinition
    mechanism: Mechanism
    plan: Plan
    row_id: str

    @property
    def stream(self) -> Stream:
        assert self.definition.stream is not None
        return self.definition.stream

    @property
    def start(self) -> Start:
        """Where the stream begins that has never run; a day begins at midnight UTC."""
        start = self.stream.start
        return start if isinstance(start, str) else datetime.combine(start, time(), UTC)

    @property
    def schema(self) -> str:
        """SHA-256 of what a reader of the records relies on."""
        parts = [schema_hash(self.plan.masking.columns), self.stream.envelope, self.plan.encoding.format]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def horizon(self, source: Source) -> Horizon:
        return self.mechanism.open(self.plan, source)


def prepare(request: PlanRequest, source_url: str, resources: Resources) -> Prepared:
    """Asks the source what it has for finding new rows. Raises what `require_plannable` raises, RequestError for a source
    without a usable mechanism, SourceError."""
    require_plannable(request, resources)
    definition = request.definition
    assert definition.stream is not None
    mechanism = choose_mechanism(request.dataset, source_url, definition.stream.settle)
    plan = compile_plan(replace(request, new_rows=mechanism.new_rows))
    return Prepared(definition, mechanism, plan, request.dataset.row_id)


def require_plannable(request: PlanRequest, resources: Resources) -> Plan:
    """What can be known without a connection: the plan of the records, with no condition of a mechanism. Raises RequestError for an export with an end, a plan that cannot be, what may
    not be named, or a partition key that is not among the columns."""
    definition = request.definition
    stream = definition.stream
    if stream is None:
        raise RequestError(
            f"{definition.name} is no stream",
            where=definition.at("type"),
            remedy=f"export-pipelines run {definition.name}, or write `stream:` into the file",
        )
    if request.rights and request.rights.effective.max_rows is not None:
        raise RequestError(
            "a role of the owner, or of who runs it, may have a number of rows, and a stream has no end",
            where=definition.at("owner"),
            remedy="take max_rows out of the role, or give the stream another owner",
        )
    for named in stream.sink.named():
        key = ("stream", stream.kind, *named.key)
        resources.require(named.kind, named.name, definition.at(*key))
    plan = compile_plan(request)
    _require_key(stream, plan, definition)
    return plan


def _require_key(stream: Stream, plan: Plan, definition: ExportDefinition) -> None:
    """That the partition key is a column of the records, as it is shown there."""
    if not isinstance(stream.sink, KinesisSettings):
        return
    key = stream.sink.partition_key
    if key not in {column.id for column in plan.masking.columns}:
        why = "is removed for privacy" if key in plan.masking.removed else "is not among the fields"
        raise RequestError(
            f'the partition key "{key}" {why}, so no record could be given to a shard',
            where=definition.at("stream", "kinesis", "partition_key"),
            remedy="name an exported column; a hashed one keeps the order of its records, too",
        )
