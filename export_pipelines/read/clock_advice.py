"""Whether the source's clock agrees with ours: a window closes by ours, and rows get their times by the source's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType

from export_pipelines.settings import driver_url

IN_UTC_WITHOUT_ZONE = {"mysql": func.utc_timestamp(3, type_=NullType())}
ALLOWED = timedelta(minutes=2)


def clock_ahead(url: str, now: Callable[[], datetime]) -> timedelta | None:
    """How far the clock of the source's server is ahead of `now`, past ALLOWED either way; None where it is not, or
    where there is no clock of its own, or it does not tell its zone. `url` is of a source that answers."""
    try:
        engine = create_engine(driver_url(url))
    except (SQLAlchemyError, ModuleNotFoundError):  # each export tells it
        return None
    try:
        with engine.connect() as connection:
            clock_time = server_clock(connection)
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
    if clock_time is None:
        return None
    ahead = clock_time - now()
    return ahead if abs(ahead) > ALLOWED else None


def server_clock(connection: Connection) -> datetime | None:
    """The time at the server of the connection; None where there is no clock of its own, or it does not tell its zone."""
    name = connection.engine.dialect.name
    if name == "sqlite":
        return None
    clock = IN_UTC_WITHOUT_ZONE.get(name, func.current_timestamp(type_=NullType()))
    clock_time = connection.execute(select(clock)).scalar_one()
    if not isinstance(clock_time, datetime):
        return None
    if name in IN_UTC_WITHOUT_ZONE:
        clock_time = clock_time.replace(tzinfo=UTC)
    return clock_time if clock_time.tzinfo else None
