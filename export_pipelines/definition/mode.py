"""Whether a run exports all rows of its window, or what has changed since the last delivered artifact."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from export_pipelines.definition.one_of import OneOf, one_of
from export_pipelines.definition.words import fault, unless
from export_pipelines.yaml.schema_faults import shown_value

EVERY_PATTERN = r"every ([1-9][0-9]{0,4})"


def _every(value: Any) -> Any:
    match = re.fullmatch(EVERY_PATTERN, value) if isinstance(value, str) else None
    if match is None or int(match[1]) < 2:
        raise fault(f"a number of artifacts from 2 on is expected, not {shown_value(value)}; write every 30")
    return value


class Changes(BaseModel):
    """Settings of `mode: changes`. `full`: how often an artifact holds the full set of rows; by default only where nothing
    can be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: Annotated[str, BeforeValidator(_every, json_schema_input_type=str)] | None = unless(None)

    @property
    def full_every(self) -> int | None:
        """The number of artifacts of which one is a full set."""
        return int(self.full.removeprefix("every ")) if self.full else None


_MODE = OneOf("mode", {"changes": Changes}, alone=("full", "changes"))
WrittenMode: Any = one_of(_MODE)


def changes_of(written: Any) -> Changes | None:
    """The settings of `changes`, already checked; None where each run exports all rows."""
    name, settings = _MODE.read(written)
    return None if name == "full" else settings or Changes()
