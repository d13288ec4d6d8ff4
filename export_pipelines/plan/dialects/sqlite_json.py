"""Values inside JSON in SQLite, whose functions give the first of a key that stands twice."""

from collections.abc import Callable, Sequence

from sqlalchemy import case, func, literal_column, or_, select

from export_pipelines.catalog import Field, Kind
from export_pipelines.plan.dialects.dialect import Expression, escape_in, fixed, steps_of

PLAIN = ("integer", "real", "true", "false")  # types of JSON's values whose letters say all


def letters(field: Field, column: Expression) -> Expression:
    """The column, or the text of what lies inside its JSON: of a number or a truth as it is written, since `->>` would
    make 1.1 of 1.10, and 1 of true; a JSON value stays JSON."""
    if field.path is None:
        return column
    if field.kind is Kind.JSON:
        return func.nullif(inside(field, column, extracted), fixed("null"))
    return inside(field, column, _plain_letters)


def _plain_letters(json: Expression, path: Expression) -> Expression:
    is_plain = func.json_type(json, path).in_([fixed(type) for type in PLAIN])
    return case((is_plain, extracted(json, path)), else_=json.op("->>")(path))


def extracted(json: Expression, path: Expression) -> Expression:
    return json.op("->")(path)


def inside(
    field: Field, column: Expression, build: Callable[[Expression, Expression], Expression]
) -> Expression:
    """What `build` makes of the JSON and the path in it. Not every version of SQLite takes a key that is written in escapes
    for the same key, so each step to it is found by its decoded name."""
    steps, value = _steps(field), column
    for step in steps:
        members = func.json_each(value).table_valued("key", "fullkey", name="member")
        place = select(members.c.fullkey).where(
            members.c.key == fixed(step)
        )  # of more than one row the first
        value = extracted(value, place.scalar_subquery())
    escaped = column.like(fixed(f"%{escape_in(steps)}%"))
    return case((escaped, build(value, fixed("$"))), else_=build(column, _path(field)))


def may_stand_twice(fields: Sequence[Field], column: Expression) -> Expression:
    """Whether a key on the way to one of the values may stand twice in its object, or in escapes."""
    escapes = {escape_in(_steps(field)) for field in fields}
    escaped = [column.like(fixed(f"%{escape}%")) for escape in sorted(escapes)]
    keys = dict.fromkeys(f'"{step}"' for field in fields for step in _steps(field))
    return or_(*escaped, *(_stands_twice(column, fixed(key)) for key in keys))


def _stands_twice(text: Expression, part: Expression) -> Expression:
    tail = func.substr(text, func.instr(text, part) + literal_column("1"))
    return func.instr(tail, part) > literal_column("0")


def _path(field: Field) -> Expression:
    """`'$."geo"."lat"'`, a literal: a bound path would hide the field in the printed SQL."""
    return fixed("$" + "".join(f'."{step}"' for step in _steps(field)))


def _steps(field: Field) -> list[str]:
    return steps_of(field, "\"'\\")
