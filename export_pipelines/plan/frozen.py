"""What plans are made of: immutable data that travels as JSON."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """What a later release may have added is not asked about."""

    model_config = ConfigDict(frozen=True, extra="ignore")
