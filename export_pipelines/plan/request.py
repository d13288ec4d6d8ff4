"""All that a plan is made from: the definition, its window, the catalog, the database's dialect, the keys at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

from export_pipelines.access import Rights
from export_pipelines.catalog import Catalog, Dataset
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.report import drawn_from
from export_pipelines.definition.selection import DATASETS
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.plan.dialects import Dialect, dialect_of
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import WHOLE_KEY

if TYPE_CHECKING:
    from export_pipelines.plan.dialects.dialect import Expression
    from export_pipelines.plan.query.tables import Tables


class NewRows(Protocol):
    """The condition by which a horizon chooses the rows of one read. Each bound parameter of the `expression` stands for a
    value of the read, in their order, and is none of the plan; `order` are the fields that sort the rows, which are read
    beside what is exported."""

    @property
    def order(self) -> tuple[str, ...]: ...

    def expression(self, tables: "Tables") -> "Expression": ...


@dataclass(frozen=True)
class PlanRequest:
    """`dialect` is SQLAlchemy's name of the source database. `keys` holds no secret: for HASH_KEY and MASTER_KEY, the
    name of the version in use (`HASH_KEY_2:1a2b3c4d`), or the error that an export which needs it ends with. `rights` are None
    where there is no access.yaml. `new_rows` are those of a stream. `reads_time`: the field of the window is read, whatever is
    exported."""

    definition: ExportDefinition
    window: Window
    catalog: Catalog
    dialect: str
    keys: Mapping[str, str | SettingsError] = field(default_factory=dict)
    rights: Rights | None = None
    new_rows: NewRows | None = None
    reads_time: bool = False

    @property
    def sql(self) -> Dialect:
        """How the source's database says things. Raises RequestError for one that is not known."""
        return dialect_of(self.dialect, self.bad_json_is_null)

    @property
    def bad_json_is_null(self) -> bool:
        return self.definition.bad_json == "null"

    @property
    def age_day(self) -> date | None:
        """The day at which an age is told: the end of the window; the whole history has none."""
        return None if self.window.key == WHOLE_KEY else self.window.end.date()

    @property
    def order(self) -> tuple[str, ...]:
        """Ids of the fields that sort the rows; the last one is unique, of an export with an end."""
        if self.new_rows is not None:
            return self.new_rows.order
        chosen = (self.dataset.full(id) for id in self.definition.sort)
        return tuple(dict.fromkeys((*chosen, *self.dataset.order)))

    @property
    def dataset(self) -> Dataset:
        """What the export draws from. Raises RequestError for an export type that has no dataset."""
        if self.definition.report:
            return drawn_from(self.definition.report, self.catalog)
        name = DATASETS.get(self.definition.type)
        if name is None or name not in self.catalog.names():
            raise RequestError(
                f'exports of type "{self.definition.type}" have no dataset in the catalog',
                where=self.definition.at("type"),
                remedy=f"datasets there: {', '.join(sorted(self.catalog.names()))}",
            )
        return self.catalog.dataset(name)
