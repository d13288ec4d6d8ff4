"""Whether the clock of the ledger's server agrees with ours: leases and attempts are timed by one, windows by the other."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.settings import driver_url

WHERE = PREFIX + "LEDGER_URL"
ALLOWED = timedelta(seconds=30)


def clock_ahead(engine: sa.Engine, now: Callable[[], datetime]) -> timedelta | None:
    """How far the server's clock is ahead of `now`; None for SQLite, which has none of its own. What the question took counts
    for neither side."""
    if engine.dialect.name != "postgresql":
        return None
    with engine.connect() as connection:
        asked_at = now()
        clock: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        answered_at = now()
    if clock < asked_at:
        return clock - asked_at
    return max(clock - answered_at, timedelta())


def require_same_clock(ahead: timedelta | None) -> None:
    """Raises SettingsError for a clock that differs by more than ALLOWED."""
    if ahead is None or abs(ahead) <= ALLOWED:
        return
    way = "ahead of" if ahead > timedelta() else "behind"
    raise SettingsError(
        f"the clock of the ledger's server is {abs(ahead).total_seconds():,.0f} s {way} ours, and may differ by "
        f"{ALLOWED.total_seconds():.0f} s",
        where=WHERE,
        remedy="set the clocks of both machines by a time server (NTP)",
    )


def check_clock(url: str, now: Callable[[], datetime]) -> None:
    """Asks the server of the ledger at `url`, of which nothing else is asked; SQLite is not. Raises SettingsError for a clock
    that differs, a server that does not answer, and a URL that is none."""
    try:
        address = sa.make_url(driver_url(url))
        if address.get_backend_name() != "postgresql":
            return
        engine = sa.create_engine(address)
        try:
            ahead = clock_ahead(engine, now)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise SettingsError(
            f"the ledger does not answer: {type(error).__name__}",
            where=WHERE,
            remedy="postgresql://user:password@host/database, of a server that runs",
        ) from error
    require_same_clock(ahead)
