"""The last part of an artifact's id, new for every run."""

import secrets
from datetime import UTC, datetime


def new_token(at: datetime) -> str:
    """`YYYYMMDDTHHMMSSZ-<6 hex>`: ids of one window sort by the time of their runs."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def time_of(artifact: str) -> datetime | None:
    """When the run of an artifact began, to the second; None for a name that no run gives."""
    try:
        return datetime.strptime(artifact.rpartition("/")[2].partition("-")[0], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
