"""Names of artifacts: their last part, new for every run, and what a name tells."""

import secrets
from datetime import UTC, datetime


def new_token(at: datetime) -> str:
    """`YYYYMMDDTHHMMSSZ-<6 hex>`: ids of one window sort by the time of their runs."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def recency(artifact: str) -> tuple[str, str, str]:
    """By what artifacts of an export sort, the oldest first: the second in which their runs began; within it, as in a backfill,
    their windows, whose keys are in the order of time; then whatever tells them apart."""
    folder, _, token = artifact.rpartition("/")
    second, _, _ = token.partition("-")
    return second, folder.rpartition("/")[2], token


def time_of(artifact: str) -> datetime | None:
    """When the run of an artifact began, to the second; None for a name that no run gives."""
    try:
        return datetime.strptime(artifact.rpartition("/")[2].partition("-")[0], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None


def is_full(name: str) -> bool:
    """Whether it is a name as a listing has it: no store has to be asked what it means."""
    return name.count("/") > 1
