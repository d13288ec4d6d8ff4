"""What dialects share whose columns of times hold nothing but times, and whose database has none of the program's functions."""

from datetime import datetime
from typing import NoReturn

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.plan.dialects.dialect import Dialect, Expression, NotPushable, between


class TypedTimes:
    """Base of such a dialect; see `Dialect` for what each method owes."""

    def is_valid(self, value: Expression, type: str) -> NoReturn:
        raise NotPushable(f"whether a {type} is valid")

    def component(self, value: Expression, type: str, name: str, kind: Kind) -> NoReturn:
        raise NotPushable(f"the {name} of a {type}")

    def may_hold_no_time(self, field: Field) -> bool:
        return False

    def around(self, time: Expression, start: datetime, end: datetime) -> NoReturn:
        raise AssertionError("times are times here")

    def is_mixed(self, time: Expression) -> NoReturn:
        raise AssertionError("times are times here")

    def moment_order(self, time: Expression) -> NoReturn:
        raise AssertionError("times are times here")

    def within(
        self: Dialect, value: Expression, stored_as: StoredAs, start: datetime, end: datetime | None
    ) -> Expression:
        return between(self, value, stored_as, start, end)
