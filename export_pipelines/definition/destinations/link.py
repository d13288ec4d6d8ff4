"""`link:` how long the links in a mail or a notice are good."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from export_pipelines.definition.words import Flag

MOST_DAYS = 30


class LinkSettings(BaseModel):
    """Each link is for one recipient; with `single_use` each file can be fetched by it once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7
    single_use: Flag = False
