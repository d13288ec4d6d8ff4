"""What rows an export takes: the filter block and its rules."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from export_pipelines.definition.words import Day, Hours, LeadId, Span, Weekday, read_scalars

Scalar = str | int | float | bool | None
Scalars = Annotated[
    Scalar | tuple[Scalar, ...], BeforeValidator(read_scalars, json_schema_input_type=Scalar | list[Scalar])
]


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

    EXAMPLE: ClassVar[str] = "{lhv: price, op: is greater than, rhv: 25}"
    model_config = ConfigDict(frozen=True, extra="forbid")

    lhv: str
    op: Operator
    rhv: Scalars = None


def _shape(value: Any) -> str:
    is_set = "rules" in value if isinstance(value, dict) else isinstance(value, RuleSet)
    return "(set)" if is_set else "(rule)"


class RuleSet(BaseModel):
    """`{op: and|or, rules: [...]}`; sets nest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op: Literal["and", "or"]
    rules: Annotated[tuple["AnyRule", ...], Field(min_length=1)]


AnyRule = Annotated[
    Union[Annotated[Rule, Tag("(rule)")], Annotated[RuleSet, Tag("(set)")]],  # noqa: UP007
    Discriminator(_shape),
]
RuleSet.model_rebuild()


def rules_in(rule: AnyRule) -> Iterator[Rule]:
    """The rule itself, or those of a set, however deep."""
    if isinstance(rule, RuleSet):
        for inner in rule.rules:
            yield from rules_in(inner)
    else:
        yield rule


Some = Field(min_length=1)  # a list of nothing would leave nothing out
LeadIds = Annotated[
    Union[  # noqa: UP007
        Annotated[Literal["at launch"], Tag("(word)")],
        Annotated[tuple[LeadId, ...], Field(min_length=1), Tag("(list)")],
    ],
    Discriminator(lambda value: "(word)" if value == "at launch" else "(list)"),
]


class Filter(BaseModel):
    """The `filter:` block. Everything given must hold; a list is one-of."""

    EXAMPLE: ClassVar[str] = "filter: {where: {state: [TX, CA]}}"
    model_config = ConfigDict(frozen=True, extra="forbid")

    last: Span | None = None  # "30 days": the days before the end of the window
    dates: Annotated[tuple[Day, ...], Some] = ()
    hours: Hours | None = None  # "09:00-17:00", half open, UTC; may run over midnight
    weekdays: Annotated[tuple[Weekday, ...], Some] = ()
    flows: Annotated[tuple[str, ...], Some] = ()
    sources: Annotated[tuple[str, ...], Some] = ()
    recipients: Annotated[tuple[str, ...], Some] = ()
    events: Annotated[tuple[str, ...], Some] = ()
    lead_ids: LeadIds = ()  # `at launch`: a run is refused without them
    missing_ids: Literal["error", "allow"] = "error"  # of `lead_ids`, those that the source lacks
    where: dict[str, Scalars] = {}
    rules: Annotated[tuple[AnyRule, ...], Some] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """Ids of the fields that `where` and `rules` ask about."""
        return (*self.where, *(leaf.lhv for rule in self.rules for leaf in rules_in(rule)))
