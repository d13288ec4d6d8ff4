"""What rows an export takes: the filter block and its rules."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | int | float | bool | None


class Operator(StrEnum):
    """Rule operators, by LeadConduit's own names; a negative one is true for null, a comparison with null is false."""

    EQUAL = "is equal to"
    NOT_EQUAL = "is not equal to"
    LESS = "is less than"
    LESS_OR_EQUAL = "is less than or equal to"
    GREATER = "is greater than"
    GREATER_OR_EQUAL = "is greater than or equal to"
    INCLUDED = "is included in"
    NOT_INCLUDED = "is not included in"
    INCLUDES = "includes"
    NOT_INCLUDES = "does not include"
    BETWEEN = "is between"
    NOT_BETWEEN = "is not between"
    MATCHES = "matches pattern"
    NOT_MATCHES = "does not match pattern"
    BLANK = "is blank"
    NOT_BLANK = "is not blank"
    TRUE = "is true"
    NOT_TRUE = "is not true"
    FALSE = "is false"
    NOT_FALSE = "is not false"
    VALID = "format is valid"
    INVALID = "format is invalid"


class Rule(BaseModel):
    """`{lhv: price, op: is greater than, rhv: 25}`; `lhv` is a field or component id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lhv: str
    op: Operator
    rhv: Scalar | tuple[Scalar, ...] = None


class RuleSet(BaseModel):
    """`{op: and|or, rules: [...]}`; sets nest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op: Literal["and", "or"]
    rules: Annotated[tuple["Rule | RuleSet", ...], Field(min_length=1)]


class Filter(BaseModel):
    """The `filter:` block. Everything given must hold; a list is one-of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    last: str | None = None  # "30 days": the days before the end of the window
    dates: tuple[date, ...] = ()
    hours: str | None = None  # "09:00-17:00", half open, UTC; may run over midnight
    weekdays: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    lead_ids: tuple[str, ...] = ()
    where: dict[str, Scalar | tuple[Scalar, ...]] = {}
    rules: tuple[Rule | RuleSet, ...] = ()
