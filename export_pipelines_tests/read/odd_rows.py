"""Rows of odd values, made from a seed: a dataset with fields of every semantic type over columns that all databases hold,
and how each holds them."""

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from export_pipelines.catalog import SEMANTIC_TYPES, Catalog, Dataset, Field, Kind, StoredAs
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE
from export_pipelines_tests.plan.tables import field
from export_pipelines_tests.read.databases import Mariadb, Postgresql, Sqlite
from export_pipelines_tests.read.odd_values import (
    DATES,
    EPOCHS,
    ESCAPES,
    FRACTIONS,
    JSON_NUMBERS,
    LITERALS,
    NO_TIMES,
    NUMBERS,
    WORDS,
    exactly,
    formatted,
    moments,
    spelled,
)

PLACES = 6  # digits after the point that a server's DECIMAL keeps
WORD_TYPES = [name for name, one in SEMANTIC_TYPES.items() if one.kind is Kind.TEXT and one.exportable]
INSIDE = {
    "text": "text",
    "email": "email",
    "phone": "phone",
    "number": "number",
    "currency": "currency",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "object": "object",
    "list": "object",
    "at_iso": "timestamp",
    "at_sql": "timestamp",
    "at_s": "timestamp",
    "at_ms": "timestamp",
}
STORED_AS = {"at_sql": StoredAs.SQL, "at_s": StoredAs.EPOCH_S, "at_ms": StoredAs.EPOCH_MS}
FIELDS: tuple[Field, ...] = (
    field("lead_id", "id"),
    field("at", "timestamp"),
    field("at_sql", "timestamp", stored_as=StoredAs.SQL),
    field("at_s", "timestamp", stored_as=StoredAs.EPOCH_S),
    field("at_ms", "timestamp", stored_as=StoredAs.EPOCH_MS),
    field("size", "integer"),
    field("flag", "boolean"),
    field("day", "date"),
    field("price", "currency"),
    field("amount", "number"),
    field("scaled", "number", column="amount", scale=4),
    field("ratio", "number"),
    *(field(f"word_{type}", type, column="word") for type in WORD_TYPES),
    field("doc", "object"),
    *(
        field(f"doc.{name}", type, column="doc", path=name, stored_as=STORED_AS.get(name, StoredAs.ISO))
        for name, type in INSIDE.items()
    ),
    field("doc.deep.number", "number", column="doc", path="deep.number"),
    field("doc.deep.text", "text", column="doc", path="deep.er.text"),
)
DATASET = Dataset(name="leads", table="odd", window="at", order=("at", "lead_id"), fields=FIELDS)
TYPES = {
    "sqlite": {"at": "TEXT", "at_sql": "TEXT", "at_s": "NUMERIC", "at_ms": "INTEGER", "ratio": "REAL", "price": "TEXT",
               "day": "TEXT", "flag": "INTEGER", "doc": "TEXT"},
    "postgresql": {"at": "TIMESTAMPTZ", "at_sql": "TIMESTAMP", "at_s": f"NUMERIC(30,{PLACES})", "at_ms": "BIGINT",
                   "ratio": "DOUBLE PRECISION", "price": "NUMERIC(20,2)", "day": "DATE", "flag": "BOOLEAN", "doc": "JSON"},
    "mariadb": {"at": "DATETIME(6)", "at_sql": "DATETIME(6)", "at_s": f"DECIMAL(30,{PLACES})", "at_ms": "BIGINT",
                "ratio": "DOUBLE", "price": "DECIMAL(20,2)", "day": "DATE", "flag": "BOOLEAN", "doc": "LONGTEXT"},
}  # fmt: skip
COMMON = {"lead_id": "VARCHAR(24)", "size": "BIGINT", "amount": "TEXT", "word": "TEXT"}
Row = dict[str, Any]


def odd_rows(count: int, seed: int) -> Iterator[Row]:
    """Rows with odd values; a moment is a datetime, JSON its letters."""
    source = random.Random(seed)
    for number in range(count):
        yield {
            "lead_id": f"{number:024d}",
            "at": moments(source),
            "at_sql": _some(source, lambda: moments(source)),
            "at_s": _some(source, lambda: source.choice((*EPOCHS[:3], "1706745600" + source.choice(FRACTIONS), "-1" + source.choice(FRACTIONS), "-62135596801"))),
            "at_ms": _some(source, lambda: int(source.choice(EPOCHS))),
            "size": _some(source, lambda: source.choice((0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1, 100))),
            "flag": _some(source, lambda: source.random() < 0.5),
            "day": _some(source, lambda: formatted(moments(source), "%Y-%m-%d")),
            "price": _some(source, lambda: f"{source.randint(-10**18, 10**18) // 10 ** source.randint(0, 18)}.{source.randint(0, 99):02d}"),
            "amount": _some(source, lambda: source.choice(NUMBERS)),
            "ratio": _some(source, lambda: _real(source)),
            "word": _some(source, lambda: _word(source)),
            "doc": _some(source, lambda: _document(source)),
        }  # fmt: skip


def _some(source: random.Random, make: Any) -> Any:
    return None if source.random() < 0.1 else make()


def _real(source: random.Random) -> float:
    return source.choice(
        (
            0.1,
            1 / 3,
            47.37688781234567,
            -32.349787874373646,
            25.0,
            1e15 + 0.1,
            1e-7,
            1e300,
            -2.5,
            source.random(),
        )
    )


def _word(source: random.Random) -> str:
    if source.random() < 0.3:
        return "".join(
            chr(source.choice((*range(1, 0xD800, 97), *range(0xE000, 0x1FFFF, 997))))
            for _ in range(source.randint(1, 8))
        )
    return source.choice(WORDS)


def _document(source: random.Random) -> str:
    """An object with a value under most keys, some twice, with blanks between its letters; now and then no object."""
    if source.random() < 0.03:
        return source.choice(("null", "[]", "{}", "5", '"text"', "true", "[1,2]", "{ }"))
    members = []
    for name in (*INSIDE, "other key", "ключ"):
        if source.random() < 0.75:
            members.append(f"{json.dumps(name)}{_blank(source)}:{_blank(source)}{_inside(source, name)}")
            if source.random() < 0.1:
                members.append(f"{_key(source, name)}:{_blank(source)}{_inside(source, name)}")
    members += [_deep(source) for _ in range(source.choice((0, 1, 1, 2)))]
    source.shuffle(members)
    return _blank(source) + "{" + f"{_blank(source)},{_blank(source)}".join(members) + "}" + _blank(source)


def _deep(source: random.Random) -> str:
    """Objects in objects, and what is no object in the place of one."""
    if source.random() < 0.1:
        return f"{_key(source, 'deep')}:{_value(source, 1)}"
    inner = [
        f"{_key(source, name)}:{value}"
        for name, value in (
            ("number", _value(source, 2)),
            ("er", f"{{{_key(source, 'text')}:{_value(source, 2)}}}"),
        )
        for _ in range(source.choice((1, 1, 1, 0, 2)))
    ]
    source.shuffle(inner)
    return f"{_key(source, 'deep')}:{{{','.join(inner)}}}"


def _key(source: random.Random, name: str) -> str:
    """The name as a key, now and then in escapes."""
    if source.random() < 0.9:
        return json.dumps(name)
    at = source.randrange(len(name))
    return f'"{name[:at]}\\u{ord(name[at]):04x}{name[at + 1 :]}"'


def _blank(source: random.Random) -> str:
    return source.choice(("", "", "", "", " ", "\n", "\t"))


def _inside(source: random.Random, name: str) -> str:
    """JSON that is mostly what the key's type expects."""
    if source.random() < 0.15:
        return _value(source, 3)
    if name in ("at_iso", "at_sql"):
        text = source.choice(NO_TIMES) if source.random() < 0.3 else spelled(moments(source), source)
        return json.dumps(text, ensure_ascii=source.random() < 0.5)
    if name in ("at_s", "at_ms", "number", "currency", "integer"):
        number = source.choice(JSON_NUMBERS)
        return number if source.random() < 0.7 else json.dumps(source.choice((number, *NUMBERS)))
    if name == "boolean":
        return source.choice(
            ("true", "false", "1", "0", '"true"', '"FALSE"', '"yes"', '"n"', '"t"', '"1"', "1.0", "2", '""')
        )
    if name == "date":
        return json.dumps(source.choice((*DATES, *NO_TIMES)))
    if name == "list":
        return "[" + ",".join(_value(source, 1) for _ in range(source.randint(0, 4))) + "]"
    return _value(source, 2)


def _value(source: random.Random, depth: int) -> str:
    kind = source.random()
    if depth and kind < 0.15:
        return "[" + ",".join(_value(source, depth - 1) for _ in range(source.randint(0, 3))) + "]"
    if depth and kind < 0.3:
        keys = ("a", "b", "c d", "")
        return (
            "{"
            + ",".join(
                f"{json.dumps(source.choice(keys))}:{_value(source, depth - 1)}"
                for _ in range(source.randint(0, 3))
            )
            + "}"
        )
    if kind < 0.45:
        return source.choice(JSON_NUMBERS)
    if kind < 0.55:
        return source.choice(LITERALS)
    if kind < 0.6:
        return source.choice(ESCAPES)
    return json.dumps(_word(source), ensure_ascii=source.random() < 0.3)


def request(
    dialect: str, filter: Filter | None = None, sort: Sequence[str] = (), window: str = "at"
) -> PlanRequest:
    """What an export of the odd rows asks, by their time in the field `window`."""
    definition = ExportDefinition(
        name="odd", path=Path("exports/odd.yaml"), type="lead", format=Format(name="csv"), filter=filter or Filter(), sort=tuple(sort),
    )  # fmt: skip
    dataset = DATASET.model_copy(update={"window": window})
    return PlanRequest(definition, WHOLE, Catalog(datasets=(dataset,)), dialect)


def fill(database: Sqlite | Postgresql | Mariadb, rows: Sequence[Row], seed: int) -> None:
    """Puts the rows into a new table of the database, each value as that database holds it: times as texts in any spelling
    where it has no type for them."""
    source = random.Random(seed)
    types = COMMON | TYPES[database.dialect]
    names = list(rows[0])
    create = f"CREATE TABLE odd ({', '.join(f'{name} {types[name]}' for name in names)})"
    insert = f"INSERT INTO odd ({', '.join(names)}) VALUES ({', '.join(['{mark}'] * len(names))})"
    cells = [[_held(database.dialect, row[name], source) for name in names] for row in rows]
    if isinstance(database, Sqlite):
        with closing(sqlite3.connect(database.path)) as connection, connection:
            connection.execute(create)
            connection.executemany(insert.format_map({"mark": "?"}), cells)
    elif isinstance(database, Postgresql):
        with psycopg.connect(database.url) as postgresql, postgresql.cursor() as writing:
            writing.execute(f"DROP TABLE IF EXISTS odd; {create}")
            writing.executemany(insert.format_map({"mark": "%s"}), cells)
    else:
        with database.connect() as mariadb, mariadb.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS odd")
            cursor.execute(create)
            cursor.executemany(insert.format_map({"mark": "%s"}), cells)


def _held(dialect: str, value: Any, source: random.Random) -> Any:
    if isinstance(value, datetime):
        if dialect == "sqlite":
            return exactly(value, source)
        text = formatted(value, "%Y-%m-%d %H:%M:%S.%f")
        return text if dialect == "mariadb" else f"{text}+00"
    if isinstance(value, bool):
        return value if dialect == "postgresql" else int(value)
    return value
