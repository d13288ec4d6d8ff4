"""The query of a plan: the SELECT, which columns it gives, which rows it stands for, and what is asked of them afterwards."""

from typing import Literal

from pydantic import Field

from export_pipelines.catalog import Kind, StoredAs
from export_pipelines.errors import FatalError
from export_pipelines.plan.frozen import Frozen

Plain = str | int | float | None
BATCH_BYTES = 6 << 20


class Reference(Frozen):
    """A value that is compared with a personal field: the `number`th that comes of the key or rule of the definition at
    `place` (`filter.rules.0`).

    The `value` is in no JSON and no `repr`. A plan has it that was compiled in this process; one that travelled as JSON
    gets it by `bind`. Two references are equal when they refer to the same, whatever it is.
    """

    place: str
    number: int
    value: bool | Plain = Field(default=None, exclude=True, repr=False)

    @property
    def bound(self) -> Plain:
        """The value. Raises FatalError where it was not read from the definition."""
        if self.value is None:
            raise FatalError("what the filter compares with a personal field was not read", where=self.place)
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and (self.place, self.number) == (other.place, other.number)

    def __hash__(self) -> int:
        return hash((self.place, self.number))


class Statement(Frozen):
    """SQL with `?` in the places of its `parameters`."""

    sql: str
    parameters: tuple[Plain | Reference, ...] = ()

    @property
    def values(self) -> tuple[Plain, ...]:
        """The parameters, with what references stand for. Raises FatalError for one that is not bound."""
        return tuple(
            parameter.bound if isinstance(parameter, Reference) else parameter
            for parameter in self.parameters
        )

    @property
    def shown(self) -> list[Plain]:
        """The parameters for people: `***` in the place of a reference."""
        return ["***" if isinstance(parameter, Reference) else parameter for parameter in self.parameters]


class SourceColumn(Frozen):
    """One column of the SELECT, `name` is the field's id; the stream conforms it to `kind` and `scale`."""

    name: str
    kind: Kind
    scale: int | None = None
    type: str  # semantic type
    stored_as: StoredAs = StoredAs.ISO  # of a timestamp, where the database has no such type
    in_json: bool = False  # given as it stands there


class Groups(Statement):
    """The query that runs once over all rows that the residual filter kept, in a table `measured` of these `columns`: the query's columns."""

    columns: tuple[str, ...]


class ResidualFilter(Statement):
    """What the database cannot be asked exactly: the residual filter, asked of its rows in a staging table of SQLite in memory.

    The table holds a batch of `columns`, which the database's SELECT gives after those of the query, and a `number` for
    each row; `sql` gives the numbers of the rows that stay, and those columns of the query, `sql_names`, that the SELECT does
    not. With `groups` the SELECT gives `columns` only, and `sql` what is grouped at the end. Without `asks` every row
    stays.
    """

    columns: tuple[SourceColumn, ...]
    sql_names: tuple[str, ...] = ()
    asks: bool = True
    groups: Groups | None = None


class Mixed(Frozen):
    """Times that are texts of more than one spelling do not sort as their moments do: `asks` tells whether there are
    such, and `order` is what the query's rows are then sorted by; without it the reader refuses them by OutOfOrder."""

    asks: str
    parameters: tuple[Plain, ...] = ()
    order: str | None


class Criterion(Frozen):
    """One key of the filter, or one rule, at `place`, as it was asked: the field and the operator where it names them, and
    its values. A set of rules is its `op`, and the rules lie inside of its place."""

    place: str
    field: str | None = None
    op: str | None = None
    values: tuple[bool | Plain | Reference, ...] = ()


class Rows(Frozen):
    """Which rows of the window a query gives, whatever its SQL says. `origin` is a SHA-256 of where the values lie that
    are read or asked about: tables, columns, paths, and how they are stored."""

    asked: tuple[Criterion, ...] = ()
    order: tuple[str, ...] = ()
    origin: str = ""


class RangeKey(Frozen):
    """The first column that sorts the rows, by which a reader may cut them into ranges: `column` as the SELECT spells it,
    `nulls` where rows without a value stand, `is_filtered` whether the SELECT has a WHERE. `bounds_sql`, asked with the
    query's parameters, gives values of the column between which about equally many rows lie, as texts, in order. `unique`
    are the columns that sort the rows and tell them apart, with their ids in `unique_ids`, where none of them is null but the first; `tables`
    are those that are read, the dataset's first."""

    field: str
    column: str
    nulls: Literal["first", "last"]
    is_filtered: bool
    bounds_sql: str
    unique: tuple[str, ...] = ()
    unique_ids: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


class Query(Statement):
    """The SELECT. `functions` lists SQL functions it calls that the reader must register (SQLite: regexp, fold, ...).

    With a `residual` filter that asks the count is that of the rows at most. `marked` columns hold BAD_JSON where stored JSON does
    not parse: an error, or null where `bad_json_is_null`. `suspects` reads the rows that `where` and `rules` have not
    chosen from yet, with the JSON that these and the groups ask about, so that a row that they cannot read can be named.
    `ungrouped` reads the rows of a report one by one, with what it groups and measures, so that a row of a group that cannot
    be read or computed can be named. `is_entire` is set where all rows will be read, so that several connections may share
    them, in ranges of the `range_key`; `snapshot` is the name of one that a transaction has exported, to read from.
    `batch_bytes` is about how large batches are, where the reader measures them.
    """

    count_sql: str
    columns: tuple[SourceColumn, ...]
    functions: tuple[str, ...] = ()
    residual: ResidualFilter | None = None
    marked: tuple[str, ...] = ()
    bad_json_is_null: bool = False
    mixed: Mixed | None = None
    suspects: "Query | None" = None
    ungrouped: "Query | None" = None
    range_key: RangeKey | None = Field(default=None, exclude_if=lambda key: key is None)
    is_entire: bool = Field(default=False, exclude=True)
    snapshot: str = Field(default="", exclude=True)
    batch_bytes: int = Field(default=BATCH_BYTES, exclude=True)
    rows: Rows = Rows()
    limit: int | None = Field(
        default=None, exclude_if=lambda limit: limit is None
    )  # rows, after the residual filter

    @property
    def entire(self) -> "Query":
        """The same query for a reader that will take every row."""
        return self.model_copy(update={"is_entire": True})

    @property
    def is_private(self) -> bool:
        """Is anything compared with a personal field?"""
        asked = (self, self.residual) if self.residual else (self,)
        return any(
            isinstance(parameter, Reference) for statement in asked for parameter in statement.parameters
        )

    @property
    def selected(self) -> tuple[SourceColumn, ...]:
        """The columns that the SELECT gives."""
        if self.residual is None:
            return self.columns
        if self.residual.groups:
            return self.residual.columns
        return (
            *(column for column in self.columns if column.name not in self.residual.sql_names),
            *self.residual.columns,
        )

    @property
    def limit_of_select(self) -> int | None:
        """The limit where the SELECT holds it; rows that are asked afterwards are cut off after that."""
        return None if self.counts_at_most else self.limit

    @property
    def counts_at_most(self) -> bool:
        """Is the count that of the rows at most?"""
        return self.residual is not None and self.residual.asks
