"""The mechanisms of the contract suite, each over a database with what it needs beside the tables of a lead store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from export_pipelines.catalog import Catalog, Dataset, load_catalog
from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import WHOLE
from export_pipelines.read.open_source import open_source
from export_pipelines.streaming.horizon import Horizon, Mechanism
from export_pipelines.streaming.horizons.open_horizon import choose_mechanism
from export_pipelines_tests.streaming.horizons.databases import CHANGED, Database, Postgresql

FIELDS = (
    "event_id", "lead_id", "event_type", "occurred_at", "outcome", "reason", "recipient.name", "revenue", "cost",
    "ms", "host", "lead.email",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A mechanism over a database. `late_s` is how late transactions of the suite commit, `settle_s` what it is told of
    that."""

    database: Database
    columns: NewRowColumns
    name: str
    settle_s: float | None = None
    late_s: float = 2.0
    open_s: float | None = None  # of the transaction that stays open, where it may not be long
    statements: Sequence[str] = field(default_factory=tuple)

    def make(self) -> "Case":
        self.database.make(*self.statements)
        return self

    @property
    def dataset(self) -> Dataset:
        return with_columns(self.columns).dataset("events")

    @property
    def mechanism(self) -> Mechanism:
        mechanism = choose_mechanism(self.dataset, self.database.url, self.settle_s)
        assert mechanism.name == self.name
        return mechanism

    def plan(self, **changes: Any) -> Plan:
        dialect = self.database.url.split(":", 1)[0]
        catalog = with_columns(self.columns)
        request = PlanRequest(
            definition(**changes), WHOLE, catalog, dialect, new_rows=self.mechanism.new_rows
        )
        return compile_plan(request)

    def open(self, **changes: Any) -> Horizon:
        return self.mechanism.open(self.plan(**changes), open_source(self.database.url))


def of_poor_role(case: Case, *statements: str) -> Case:
    """The same on PostgreSQL, as a new role that may do nothing but what the statements give it."""
    case.database.execute("DROP ROLE IF EXISTS poor", "CREATE ROLE poor LOGIN PASSWORD 'x'", *statements)
    url = make_url(case.database.url).set(username="poor", password="x")
    return Case(Postgresql(url.render_as_string(hide_password=False)), case.columns, case.name)


def with_columns(columns: NewRowColumns) -> Catalog:
    """The shipped catalog, whose events are told by these; what is written last has a field."""
    catalog = load_catalog(None)
    datasets = [
        dataset.model_copy(update={"stream": columns, "fields": tuple(map(_in_ms, dataset.fields))})
        if dataset.name == "events"
        else dataset
        for dataset in catalog.datasets
    ]
    return Catalog(datasets=tuple(datasets))


def _in_ms(any_field: Any) -> Any:
    if any_field.id != CHANGED:
        return any_field
    return any_field.model_copy(update={"type": "timestamp", "stored_as": "epoch_ms"})


def definition(filter: Filter | None = None, **more: Any) -> ExportDefinition:
    settings: Mapping[str, Any] = {"fields": FIELDS, "privacy": {"email": "mask"}} | more
    return ExportDefinition(
        name="events", path=Path("exports/events.yaml"), type="event", format=Format(name="json"),
        filter=filter or Filter(), **settings,
    )  # fmt: skip
