"""A dataset: the tables it is read from, its window column, its order, its fields."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from export_pipelines.catalog.field import Component, Field
from export_pipelines.catalog.semantic_types import Kind
from export_pipelines.errors import CatalogError, unknown


class Join(BaseModel):
    """A left join on equality, by which a dataset reads names from another table: `flows AS flow ON flow.id = flow_id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    alias: str
    key: str  # column of the joined table
    on: str  # column of the dataset's table


class NewRowColumns(BaseModel):
    """By what a stream tells new rows of the dataset's table. `transaction`: its column of type xid8 with the transaction that
    wrote the row, or else `publication`: the name of a publication that has the table (PostgreSQL). `key`: its column INTEGER
    PRIMARY KEY AUTOINCREMENT (SQLite). `binlog`: the server's own log (MariaDB). `change`: the id of the timestamp field that is set whenever a row is written; a changed row is new
    again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transaction: str | None = None
    publication: str | None = None
    key: str | None = None
    binlog: bool = False
    change: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that need no field."""
        return tuple(filter(None, (self.transaction, self.key)))


class Dataset(BaseModel):
    """What an export type draws from. `window` is the id of the timestamp field that windows cut;
    `order` the field ids that sort the rows, ending in a unique one, so that equal runs give equal bytes.
    `snapshot` is the object that holds a lead's fields: `email` means `lead.email` where there is no other `email`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    table: str  # table or view, `schema.table` where the database has schemas
    window: str
    order: tuple[str, ...]
    joins: tuple[Join, ...] = ()
    fields: tuple[Field, ...]
    snapshot: str | None = None
    stream: NewRowColumns = NewRowColumns()

    @property
    def row_id(self) -> str:
        """The id of the field that tells rows apart, by which errors name them."""
        return self.order[-1]

    @cached_property
    def by_id(self) -> Mapping[str, Field | Component]:
        by_id: dict[str, Field | Component] = {}
        for field in self.fields:
            by_id[field.id] = field
            by_id |= {part.id: part for part in field.components}
        return by_id

    @cached_property
    def wide(self) -> tuple[Field, ...]:
        """The JSON objects that a light selection leaves out."""
        return tuple(field for field in self.fields if field.kind is Kind.JSON)

    def get(self, id: str) -> Field | Component | None:
        """The field or component with this id, or None."""
        return self.by_id.get(self.full(id))

    def find(self, id: str) -> Field | Component:
        """The field or component with this id. Raises CatalogError with the nearest right word."""
        field = self.get(id)
        if field is None:
            short = (name.removeprefix(f"{self.snapshot}.") for name in self.by_id)
            listing = f"export-pipelines fields {self.name}"
            raise CatalogError(unknown("field", id, [*self.by_id, *short], listing))
        return field

    def full(self, pattern: str) -> str:
        """An id or glob with the snapshot's name before it, where only the snapshot has such a field."""
        inside = f"{self.snapshot}.{pattern}"
        return inside if self.snapshot and not self._names(pattern) and self._names(inside) else pattern

    def match(self, pattern: str) -> tuple[Field | Component, ...]:
        """All that a glob such as `custom.*` or `email.*` names, in catalog order. Raises CatalogError if nothing."""
        if "*" not in pattern and "?" not in pattern:
            return (self.find(pattern),)
        full = self.full(pattern)
        fields = tuple(field for id, field in self.by_id.items() if fnmatchcase(id, full))
        if not fields:
            raise CatalogError(
                f'no field matches "{pattern}" (export-pipelines fields {self.name} lists them)'
            )
        return fields

    def _names(self, pattern: str) -> bool:
        """Whether an id or a glob names anything, were it only what lies undeclared in an object (`custom.*`)."""
        if "*" not in pattern and "?" not in pattern:
            return pattern in self.by_id
        whole = pattern.removesuffix(".*")
        return any(fnmatchcase(id, pattern) or id == whole for id in self.by_id)


class Catalog(BaseModel):
    """All datasets that a source holds."""

    model_config = ConfigDict(frozen=True)

    datasets: tuple[Dataset, ...]

    def dataset(self, name: str) -> Dataset:
        """Raises CatalogError for a name that is not there."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise CatalogError(unknown("dataset", name, self.names()))

    def names(self) -> Iterable[str]:
        return [dataset.name for dataset in self.datasets]
