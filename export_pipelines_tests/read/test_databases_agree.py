"""The same rows of odd values give the same bytes, or the same refusal that names the row, from SQLite, PostgreSQL and
MariaDB; the same filter chooses the same rows of them, and the same sort gives the same order.

ODD_ROWS=20000 in the environment compares so many rows instead of 60, CELLS=all has each rule of each field on both servers,
not on one of them in turn."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.encode.delimited import DelimitedEncoder
from export_pipelines.encode.json import JsonEncoder
from export_pipelines.errors import DataError
from export_pipelines.plan.query.query import Query, SourceColumn
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.query.suspects import with_suspects
from export_pipelines.read.bad_json import settled
from export_pipelines.read.open_source import open_source
from export_pipelines.transform.casts import conform
from export_pipelines.transform.schema import polars_type
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.cells import some
from export_pipelines_tests.encode.tables import column, encoded
from export_pipelines_tests.read.databases import Mariadb, Postgresql, Sqlite
from export_pipelines_tests.read.odd_rows import FIELDS, fill, odd_rows, request

ROWS = int(os.environ.get("ODD_ROWS", "60"))
SEED = 15
CHUNK, PIECE = 1000, 64
NAMED = re.compile(r"^(?:lead_id )(\d{24}), ([\w. ]+)$")
DIALECTS = ("sqlite", "postgresql", "mariadb")
SERVERS = DIALECTS[1:]
OUTPUT = tuple(column(one.id, one.kind, one.decimal_scale, path=(one.id,)) for one in FIELDS)
TIMES = [
    (Op.EQUAL, "2024-01-15T10:00:00Z"), (Op.LESS, "2024-01-15T10:00:00.001Z"), (Op.GREATER_OR_EQUAL, "1970-01-01T00:00:00Z"),
    (Op.BETWEEN, ("1969-01-01T00:00:00Z", "2024-06-30T23:59:59.999Z")), (Op.NOT_EQUAL, "2024-01-31T10:00:00Z"), (Op.GREATER, "9998-12-31T00:00:00Z"),
]  # fmt: skip
NUMBERS = [
    (Op.EQUAL, 0), (Op.EQUAL, 1.1), (Op.LESS, 1), (Op.GREATER, 100), (Op.BETWEEN, (-1, 25.5)), (Op.NOT_EQUAL, 100), (Op.INCLUDED, (5, 7, 12)),
    (Op.NOT_INCLUDED, (0, 1)), (Op.LESS_OR_EQUAL, -1), (Op.BLANK, None),
]  # fmt: skip
RULES: dict[Kind, list[tuple[Op, Any]]] = {
    Kind.TEXT: [
        (Op.EQUAL, "a"), (Op.EQUAL, "straße"), (Op.EQUAL, "true"), (Op.EQUAL, "1.10"), (Op.INCLUDES, "é"), (Op.INCLUDES, "0"), (Op.LESS, "m"),
        (Op.GREATER, "é"), (Op.BLANK, None), (Op.NOT_BLANK, None), (Op.INCLUDED, ("null", "A", "%")), (Op.MATCHES, "^[0-9]+$"), (Op.TRUE, None),
        (Op.FALSE, None), (Op.NOT_INCLUDES, "a"), (Op.MATCHES, "a.b"),
    ],
    Kind.INTEGER: NUMBERS,
    Kind.NUMBER: NUMBERS,
    Kind.DECIMAL: NUMBERS,
    Kind.BOOLEAN: [(Op.TRUE, None), (Op.FALSE, None), (Op.NOT_TRUE, None), (Op.EQUAL, True), (Op.BLANK, None)],
    Kind.DATE: [(Op.EQUAL, "2024-02-29"), (Op.LESS, "2024-02-01"), (Op.GREATER, "2024-01-31"), (Op.NOT_BLANK, None), (Op.INCLUDES, "2024")],
    Kind.TIMESTAMP: TIMES,
    Kind.JSON: [(Op.BLANK, None), (Op.INCLUDES, "1"), (Op.INCLUDES, "true"), (Op.INCLUDES, "a"), (Op.INCLUDES, "1.10"), (Op.NOT_INCLUDES, "é")],
}  # fmt: skip
SORTED = [(), ("at_sql",), ("at_s",), ("at_ms",), ("size",), ("lead_id",)]
Store = Sqlite | Postgresql | Mariadb


@dataclass
class Outcome:
    """What became of rows: those that were read, with refused cells null, and by row and field why one was refused."""

    frame: pl.DataFrame
    refused: dict[tuple[str, str], str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def stores(
    tmp_path_factory: pytest.TempPathFactory, postgresql_url: str, mariadb_url: str
) -> dict[str, Store]:
    rows = list(odd_rows(ROWS, SEED))
    made: dict[str, Store] = {
        "sqlite": Sqlite(tmp_path_factory.mktemp("odd") / "odd.db"),
        "postgresql": Postgresql(new_database(postgresql_url, "odd")),
        "mariadb": Mariadb(new_database(mariadb_url, "odd")),
    }
    for store in made.values():
        fill(store, rows, SEED)
    return made


@pytest.fixture(scope="module")
def outcomes(stores: dict[str, Store]) -> dict[str, Outcome]:
    return {dialect: Reading(store).outcome() for dialect, store in stores.items()}


class Reading:
    """Reads the rows of one store. A value that was refused once in a field is known, and not tried again in another row."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refused: dict[tuple[str, str], str] = {}
        self.known: dict[str, dict[str, str]] = {one.id: {} for one in FIELDS}

    def outcome(self) -> Outcome:
        ids = [f"{number:024d}" for number in range(ROWS)]
        frames = [self._of_chunk(ids[start : start + CHUNK]) for start in range(0, ROWS, CHUNK)]
        return Outcome(pl.concat(frames).sort("lead_id"), self.refused)

    def _of_chunk(self, ids: list[str]) -> pl.DataFrame:
        """A row that the database itself refuses is left out and asked for no more."""
        while True:
            asked = request(self.store.dialect, Filter(lead_ids=tuple(ids)))
            query = with_suspects(build_query(asked, FIELDS), asked)
            try:
                with closing(open_source(self.store.url).read(query)) as batches:  # type: ignore[type-var]
                    return pl.concat([self._of_batch(batch, query) for batch in batches])
            except DataError as error:
                id, place = _named(error)
                self.refused[id, place] = error.what
                ids = [one for one in ids if one != id]

    def _of_batch(self, batch: pa.RecordBatch, query: Query) -> pl.DataFrame:
        whole, _ = settled(batch, query.marked, is_null=False)
        pieces = [whole.slice(start, PIECE) for start in range(0, whole.num_rows, PIECE)]
        return pl.concat(
            [pl.DataFrame([self._of_column(piece, one) for one in query.columns]) for piece in pieces]
        )

    def _of_column(self, batch: pa.RecordBatch, one: SourceColumn) -> pl.Series:
        """The values that fit, and null for those that do not."""
        ids, values = (batch.column(name).to_pylist() for name in ("lead_id", one.name))
        known = self.known[one.name]
        fitting = []
        for id, value in zip(ids, values, strict=True):
            if why := known.get(str(value)):
                self.refused[id, one.name] = why
            fitting.append(None if why else value)
        position = batch.schema.get_field_index(one.name)
        rest = batch.set_column(position, one.name, pa.array(fitting, batch.column(one.name).type))
        parts: list[pl.Series] = []
        while True:
            try:
                return pl.concat([*parts, conform(rest, (one,))[one.name]])
            except DataError as error:
                id, place = _named(error)
                assert place == one.name
                self.refused[id, place] = error.what
                row = ids.index(id)
                known[str(values[row])] = error.what
                at = row - (len(ids) - rest.num_rows)
                parts += [conform(rest.slice(0, at), (one,))[one.name], _null(one)]
                rest = rest.slice(at + 1)


def _null(one: SourceColumn) -> pl.Series:
    return pl.Series(one.name, [None], dtype=polars_type(one.kind, one.scale))


def _named(error: DataError) -> tuple[str, str]:
    """Row and field of a refusal, which is no use without."""
    found = NAMED.match(error.where)
    assert found, f"names no row: {error}"
    assert not error.retryable
    return found[1], found[2]


def _lines(outcome: Outcome, form: str) -> list[bytes]:
    encoder = JsonEncoder(False, OUTPUT, {}) if form == "ndjson" else DelimitedEncoder(",", OUTPUT, {})
    return [encoded(encoder, outcome.frame[n : n + 1]) for n in range(len(outcome.frame))]


@pytest.mark.parametrize("dialect", DIALECTS[1:])
def test_the_same_rows_are_refused_for_the_same_reason(outcomes: dict[str, Outcome], dialect: str) -> None:
    first, other = outcomes["sqlite"].refused, outcomes[dialect].refused
    assert len(first) > ROWS / 4
    assert dict(first.items() - other.items()) == dict(other.items() - first.items()) == {}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("dialect", DIALECTS[1:])
def test_all_else_is_the_same_bytes(outcomes: dict[str, Outcome], dialect: str, form: str) -> None:
    first, other = (_lines(outcomes[one], form) for one in ("sqlite", dialect))
    assert [pair for pair in zip(first, other, strict=True) if pair[0] != pair[1]] == []


PARTS = (
    Rule(lhv="word_email", op=Op.VALID),
    Rule(lhv="doc.phone", op=Op.INVALID),
    Rule(lhv="doc.email.domain", op=Op.EQUAL, rhv="example.com"),
)


def _rules() -> Iterator[tuple[Rule, str]]:
    """Each server has half of the rules of each field, and each rule for half of the fields of a kind."""
    fields = [one for one in FIELDS if one.column != "word" or one.type == "text"]
    for field_number, one in enumerate(fields):
        for number, (op, rhv) in enumerate(RULES[one.kind], start=field_number):
            rule = Rule(lhv=one.id, op=op, rhv=rhv)
            yield from ((rule, dialect) for dialect in some(SERVERS, [SERVERS[number % len(SERVERS)]]))
    yield from product(PARTS, SERVERS)


@pytest.mark.parametrize(
    ("rule", "dialect"),
    [pytest.param(*pair, id=f"{pair[0].lhv} {pair[0].op} {pair[0].rhv} {pair[1]}") for pair in _rules()],
)
def test_the_same_filter_chooses_the_same_rows(stores: dict[str, Store], rule: Rule, dialect: str) -> None:
    ids = {name: sorted(_ids(stores[name], Filter(rules=(rule,)))) for name in ("sqlite", dialect)}
    assert ids[dialect] == ids["sqlite"]


@pytest.mark.parametrize(
    "filter", [Filter(hours="09:00-17:30"), Filter(weekdays=("monday", "sunday")), Filter(dates=(date(2024, 1, 15),))], ids=str
)  # fmt: skip
@pytest.mark.parametrize("window", ["at", "at_sql", "at_s", "at_ms", "doc.at_iso", "doc.at_s", "doc.at_ms"])
def test_hours_and_days_are_those_of_the_same_moments(
    stores: dict[str, Store], window: str, filter: Filter
) -> None:
    found = {dialect: sorted(_ids(store, filter, field=window)) for dialect, store in stores.items()}
    assert found["postgresql"] == found["sqlite"]
    assert found["mariadb"] == found["sqlite"]


@pytest.mark.parametrize("sort", SORTED, ids=str)
def test_the_same_sort_gives_the_same_order(stores: dict[str, Store], sort: tuple[str, ...]) -> None:
    found = {dialect: _ids(store, Filter(), sort) for dialect, store in stores.items()}
    assert len(found["sqlite"]) == ROWS
    assert found["postgresql"] == found["sqlite"]
    assert found["mariadb"] == found["sqlite"]


def _ids(store: Store, filter: Filter, sort: tuple[str, ...] = (), field: str = "at") -> list[str]:
    asked = request(store.dialect, filter, sort, field)
    query = with_suspects(build_query(asked, FIELDS[:1]), asked)
    with closing(open_source(store.url).read(query)) as batches:  # type: ignore[type-var]
        return [id for batch in batches for id in batch.column("lead_id").to_pylist()]
