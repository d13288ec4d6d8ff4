"""The semantic types of the field: what kind of value each holds, its components, what may remain of it when masked."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a value travels through the stream; `decimal` has a fixed scale, `number` is exact decimal text of any scale."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    JSON = "json"


@dataclass(frozen=True)
class SemanticType:
    """A type of value.

    components:  a component's name to its kind.
    remains:     components that may stand where the value is hidden or left out as personal data.
    beside:      those of them that may stand beside the hidden value, of which a mask shows a part; None: all.
    apart:       sets of components that together give the whole value, so that not all of a set may stand together.
    open:        people type anything into it, so its form promises nothing; a closed type's valid value is only itself.
    exportable:  False: never exported raw, to nobody.
    """

    name: str
    kind: Kind = Kind.TEXT
    components: dict[str, Kind] = field(default_factory=dict)
    remains: frozenset[str] = frozenset()
    beside: frozenset[str] | None = None
    apart: tuple[frozenset[str], ...] = ()
    open: bool = False
    exportable: bool = True

    def may_stand(self, component: str, beside: bool) -> bool:
        """Whether `component` may stand where the value is hidden; `beside`: the hidden value is exported, too."""
        allowed = self.beside if beside and self.beside is not None else self.remains
        return component in allowed


T, I, B, N = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.NUMBER  # noqa: E741

_TYPES = (
    SemanticType("id"),
    SemanticType("text", open=True),
    SemanticType("name", open=True),
    SemanticType("city", open=True),
    SemanticType("user_agent", open=True),
    SemanticType("integer", Kind.INTEGER),
    SemanticType("number", Kind.NUMBER),
    SemanticType("currency", Kind.DECIMAL),
    SemanticType("boolean", Kind.BOOLEAN),
    SemanticType("date", Kind.DATE),
    SemanticType("timestamp", Kind.TIMESTAMP),
    SemanticType("object", Kind.JSON, open=True),
    SemanticType(
        "email",
        open=True,
        components={
            "user": T, "domain": T, "host": T, "tld": T, "is_free": B, "is_disposable": B, "valid": B,
        },
        remains=frozenset({"domain", "host", "tld", "valid"}),
    ),
    SemanticType(
        "phone",
        open=True,
        components={
            "area": T, "exchange": T, "line": T, "number": T, "extension": T, "country_code": T,
            "type": T, "is_tollfree": B, "valid": B,
        },
        remains=frozenset({"area", "exchange", "type", "country_code", "is_tollfree", "valid"}),
        beside=frozenset({"area", "type", "country_code", "is_tollfree", "valid"}),
    ),
    SemanticType("street", open=True, components={"number": T, "name": T}),
    SemanticType("state", components={"name": T, "valid": B}, remains=frozenset({"name", "valid"})),
    SemanticType(
        "postal_code",
        open=True,
        components={
            "country_code": T, "zip": T, "four": T, "fsa": T, "ldu": T, "outcode": T, "incode": T, "valid": B,
        },
        remains=frozenset({"country_code", "zip", "fsa", "ldu", "outcode", "incode", "valid"}),
        beside=frozenset({"country_code", "fsa", "valid"}),
        apart=(frozenset({"fsa", "ldu"}), frozenset({"outcode", "incode"})),
    ),
    SemanticType("dob", Kind.DATE, components={"year": I, "age": I}, remains=frozenset({"year", "age"})),
    SemanticType("ip", components={"version": I, "valid": B}, remains=frozenset({"version", "valid"})),
    SemanticType(
        "url",
        open=True,
        components={"protocol": T, "host": T, "port": I, "path": T, "query": T, "valid": B},
    ),
    SemanticType("range", components={"min": N, "max": N, "avg": N, "valid": B}),
    SemanticType("gender", components={"abbr": T}),
    SemanticType("ssn", exportable=False),
    SemanticType("credential", exportable=False),
)  # fmt: skip

SEMANTIC_TYPES = {semantic_type.name: semantic_type for semantic_type in _TYPES}
CURRENCY_SCALE = 2
