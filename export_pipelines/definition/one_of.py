"""The YAML shape `csv` or `{csv: {...}}`: a word of a table, or a mapping of that one word to its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, create_model

from export_pipelines.definition.words import fault
from export_pipelines.errors import unknown
from export_pipelines.yaml.schema_faults import shown_value


@dataclass(frozen=True)
class OneOf:
    """`settings` is the table, name -> type of its settings; `alone` names those that may stand without any;
    `to_come` names those that are known, and refused in plain words."""

    what: str
    settings: Mapping[str, Any]
    alone: tuple[str, ...] = ()
    to_come: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.alone, *self.settings)))

    @cached_property
    def mapping(self) -> type[BaseModel]:
        """The model of the mapping: every name is a key."""
        # A key such as `json` would shadow a method of the model, so the attribute has another name.
        keys: dict[str, Any] = {
            f"{name}_": (kind | None, Field(None, alias=name)) for name, kind in self.settings.items()
        }
        name = f"{self.what.title().replace(' ', '')}Mapping"
        return create_model(
            name,
            __config__=ConfigDict(extra="forbid", json_schema_extra=_exactly_one),
            **keys,
        )

    def check(self, value: Any) -> Any:
        """Refuses what is no word of the table, before its settings are looked at."""
        if isinstance(value, BaseModel):
            return value
        if isinstance(value, dict) and len(value) != 1:
            raise fault(f"one {self.what} is expected, not {len(value)} in one mapping")
        name = next(iter(value)) if isinstance(value, dict) else value
        if not isinstance(name, str):
            raise fault(
                f"a {self.what} is expected, not {shown_value(value)}; allowed: {', '.join(self.names)}"
            )
        if name in self.to_come:
            raise fault(f'the {self.what} "{name}" is not there yet; allowed: {", ".join(self.names)}')
        if name not in self.names:
            raise fault(unknown(self.what, name, self.names))
        if isinstance(value, dict) and name not in self.settings:
            raise fault(f'"{name}" has no settings; write {name} alone')
        empty = value[name] is None if isinstance(value, dict) else name not in self.alone
        if empty:
            example = getattr(self.settings[name], "EXAMPLE", f"{name}: {{...}}")
            raise fault(f'"{name}" needs its settings, as {example}')
        return value

    def read(self, written: Any) -> tuple[str, Any]:
        """Name and settings of a checked value; None where it stands alone."""
        if isinstance(written, str):
            return written, None
        ((name, settings),) = (
            (n, item) for n in self.settings if (item := getattr(written, f"{n}_")) is not None
        )
        return name, settings


def one_of(table: OneOf) -> Any:
    """The annotation of a key that takes a word of `table` or a mapping; errors and JSON Schema come from it."""
    model: Any = table.mapping
    if not table.alone:
        return Annotated[model, BeforeValidator(table.check, json_schema_input_type=model)]
    words: Any = Literal[table.alone]
    shapes: Any = Annotated[
        Union[Annotated[words, Tag("(word)")], Annotated[model, Tag("(mapping)")]],  # noqa: UP007
        Discriminator(lambda value: "(word)" if isinstance(value, str) else "(mapping)"),
    ]
    return Annotated[shapes, BeforeValidator(table.check, json_schema_input_type=shapes)]


def _exactly_one(schema: dict[str, Any]) -> None:
    schema["minProperties"] = schema["maxProperties"] = 1
