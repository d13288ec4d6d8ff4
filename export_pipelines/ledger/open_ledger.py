"""Opens the ledger at a URL, made or brought up to date first where that is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.artifacts.locking import locked
from export_pipelines.errors import SettingsError
from export_pipelines.ledger.lanes import FileLanes, Lanes, PostgresqlLanes
from export_pipelines.ledger.ledger import Ledger
from export_pipelines.private_files import make_database
from export_pipelines.settings import PREFIX, driver_url

HEAD = "0004"  # the newest migration
WHERE = PREFIX + "LEDGER_URL"
BUSY_S = 60.0  # how long one waits for another's write; a write takes milliseconds
MIGRATING = 0x6C6564676572  # of PostgreSQL's advisory locks, away from those of lanes


def open_ledger(url: str) -> Ledger:
    """`sqlite:///path` or `postgresql://...`. Raises SettingsError, which never repeats the URL."""
    try:
        address = sa.make_url(driver_url(url))
    except SQLAlchemyError as error:
        raise SettingsError("that is no URL of a database", where=WHERE, remedy=_REMEDY) from error
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise SettingsError(f"the ledger cannot live in {kind}", where=WHERE, remedy=_REMEDY)
    try:
        engine, lanes = _sqlite(address) if kind == "sqlite" else _postgresql(address)
        if _revision(engine) != HEAD:
            _migrate(engine, address)
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise SettingsError(
            f"the ledger cannot be opened: {type(error).__name__}", where=WHERE, remedy=_REMEDY
        ) from error
    return Ledger(engine, lanes)


_REMEDY = (
    "sqlite:///path/of/ledger.db, or postgresql://user:password@host/database that this user may write to"
)


def _sqlite(address: sa.URL) -> tuple[sa.Engine, Lanes]:
    path = Path(str(address.database)).absolute()
    make_database(path)
    engine = sa.create_engine(address, connect_args={"timeout": BUSY_S})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # Two that read first and write then would both have to give way; who begins to write waits for the other.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine, FileLanes(path.with_name(f"{path.name}.lanes"))


def _postgresql(address: sa.URL) -> tuple[sa.Engine, Lanes]:
    engine = sa.create_engine(address, pool_pre_ping=True)
    return engine, PostgresqlLanes(engine)


def _revision(engine: sa.Engine) -> str | None:
    with engine.begin() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def _migrate(engine: sa.Engine, address: sa.URL) -> None:
    """Raises SettingsError for a ledger that a newer version of the program made."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    with _alone(engine, address):
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SettingsError(
                "the ledger was made by a newer version of the program",
                where=WHERE,
                remedy="update the program",
            ) from error


@contextmanager
def _alone(engine: sa.Engine, address: sa.URL) -> Iterator[None]:
    if address.get_backend_name() == "sqlite":
        path = Path(str(address.database)).absolute()
        with locked(path.with_name(f"{path.name}.migrating")):
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATING)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATING)))
