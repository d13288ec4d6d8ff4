"""From a definition to what a stream runs with: the mechanism by which new rows are found, and the plan of their records."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.stream import Stream
from export_pipelines.delivery import Resources
from export_pipelines.ledger import Ledger, Streams
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.compile import compile_plan
from export_pipelines.plan.plan import Plan, schema_hash
from export_pipelines.plan.request import PlanRequest
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Horizon, Mechanism, Start
from export_pipelines.streaming.horizons.open_horizon import choose_mechanism
from export_pipelines.streaming.plannable import require_plannable

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
    replay: str | None = None  # the name of a replay, which has a cursor and sequences of its own

    @property
    def name(self) -> str:
        """By which cursor, lease and objects are called."""
        return self.replay or self.definition.name

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
    mechanism = choose_mechanism(request.dataset, source_url, definition.stream.settle, definition.stream.wal)
    plan = compile_plan(replace(request, new_rows=mechanism.new_rows))
    return Prepared(definition, mechanism, plan, request.dataset.row_id)
