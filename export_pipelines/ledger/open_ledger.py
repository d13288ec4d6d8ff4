"""Opens the ledger at a URL, made or brought up to date first where that is needed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from export_pipelines.artifacts import open_store
from export_pipelines.connecting import connected, is_passing
from export_pipelines.errors import SettingsError
from export_pipelines.files.locking import locked
from export_pipelines.files.private import make_database
from export_pipelines.ledger.ledger import Ledger
from export_pipelines.ledger.ledger_file import OURS, file_error, is_in_wal, look_at
from export_pipelines.ledger.locks import FileLocks, Locks, PostgresqlLocks
from export_pipelines.ledger.silence import WHERE, raise_silence, silent
from export_pipelines.ledger.wiping import secure_delete
from export_pipelines.settings import Settings, driver_url

if TYPE_CHECKING:
    from export_pipelines.s3 import ClientOf

HEAD = "0017"  # the newest migration
# A machine that was cut off is noticed at both ends within half a minute: here its calls end, there its locks.
KEEPALIVE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
SERVER_KEEPALIVE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = 25000"
)
BUSY_S = 60.0  # how long one waits for another's write; a write takes milliseconds
MIGRATING = 0x6C6564676572  # of PostgreSQL's advisory locks, away from those of deliveries


def ledger_of(settings: Settings, s3_client: "ClientOf | None" = None) -> Ledger:
    """The ledger of the settings, never a new one beside a store that has artifacts. Raises SettingsError."""
    return open_ledger(
        settings.ledger_url.get_secret_value(), lambda: open_store(settings.store_url, s3_client).is_empty()
    )


def open_ledger(url: str, may_begin: Callable[[], bool] = lambda: True) -> Ledger:
    """`sqlite:///path` or `postgresql://...`; `may_begin` is asked before a new ledger is made.

    Raises SettingsError, which never repeats the URL: for one that cannot be opened, is damaged, another program's, or
    lost; StoreError for a full disk, and LedgerSilent where its server does not answer, then and in every later call.
    """
    try:
        address = sa.make_url(driver_url(url))
    except SQLAlchemyError as error:
        raise SettingsError("that is no URL of a database", where=WHERE, remedy=_REMEDY) from error
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise SettingsError(f"the ledger cannot live in {kind}", where=WHERE, remedy=_REMEDY)
    try:
        if kind == "sqlite":
            engine, locks = _sqlite(address, may_begin)
        else:
            engine, locks = connected(lambda: _postgresql(address, may_begin), SQLAlchemyError)
        if _revision(engine) != HEAD:
            _migrate(engine, address)
    except sqlite3.Error as error:  # of the driver's own calls, which SQLAlchemy does not wrap
        raise file_error(error, _path(address)) from error
    except (SQLAlchemyError, OSError, ImportError) as error:
        if kind == "postgresql" and is_passing(error):
            raise silent(error) from error
        raise SettingsError(
            f"the ledger cannot be opened: {type(error).__name__}", where=WHERE, remedy=_REMEDY
        ) from error
    if kind == "postgresql":
        raise_silence(engine)
    return Ledger(engine, locks)


_REMEDY = (
    "sqlite:///path/of/ledger.db, or postgresql://user:password@host/database that this user may write to"
)


def _require_beginning(may_begin: Callable[[], bool], where: str) -> None:
    if not may_begin():
        raise SettingsError(
            "the ledger is not there, or empty, but the artifact store has artifacts: nobody knows what was delivered",
            where=where,
            remedy="put the ledger back, or name it by EXPORT_PIPELINES_LEDGER_URL; to begin a new one, move the "
            "artifacts away",
        )


def _path(address: sa.URL) -> Path:
    return Path(str(address.database)).absolute()


def _sqlite(address: sa.URL, may_begin: Callable[[], bool]) -> tuple[sa.Engine, Locks]:
    path = _path(address)
    if look_at(path) == "new":
        _require_beginning(may_begin, str(path))
    make_database(path)
    if not is_in_wal(path):
        with _changing(path), closing(sqlite3.connect(path, timeout=BUSY_S)) as first:
            first.execute("PRAGMA journal_mode = WAL")  # of two at once SQLite lets none wait: one would fail
    engine = sa.create_engine(address, connect_args={"timeout": BUSY_S})
    secure_delete(engine)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see below
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "handle_error")
    def tell(context: sa.engine.ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
            raise file_error(error, path) from error

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # Two that read first and write then would both have to give way; who begins to write waits for the other.
        driver = connection.connection.driver_connection
        assert driver is not None
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise file_error(error, path) from error

    return engine, FileLocks(path.with_name(f"{path.name}.lanes"))


def _postgresql(address: sa.URL, may_begin: Callable[[], bool]) -> tuple[sa.Engine, Locks]:
    keepalive = {name: value for name, value in KEEPALIVE.items() if name not in address.query}
    engine = sa.create_engine(address, pool_pre_ping=True, connect_args=keepalive)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.autocommit = True
        connection.execute(SERVER_KEEPALIVE)
        connection.autocommit = False

    with engine.begin() as connection:
        tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables and not tables >= OURS:
        raise SettingsError(
            "the database is another program's, and has its migrations where ours would be",
            where=WHERE,
            remedy="name a database of its own, or a schema: ?options=-csearch_path%3Dledger",
        )
    if "alembic_version" not in tables:
        _require_beginning(may_begin, WHERE)
    return engine, PostgresqlLocks(engine)


def _revision(engine: sa.Engine) -> str | None:
    with engine.begin() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return version


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


def _changing(path: Path) -> AbstractContextManager[None]:
    """Of processes that change what the file is, one at a time."""
    return locked(path.with_name(f"{path.name}.migrating"))


@contextmanager
def _alone(engine: sa.Engine, address: sa.URL) -> Iterator[None]:
    if address.get_backend_name() == "sqlite":
        with _changing(_path(address)):
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATING)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATING)))
