"""Ledgers of other versions, and those that cannot be opened."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from export_pipelines.errors import SettingsError, StoreError
from export_pipelines.files.locking import locked
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.ledger_file import is_in_wal
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines.ledger.tables import metadata
from export_pipelines.settings import driver_url
from export_pipelines_tests.artifacts.build import AT
from export_pipelines_tests.ledger.attempts import SECRET, migrations

OLD_ARTIFACT = "INSERT INTO artifacts VALUES ('daily/2024-01-15/x', 'daily', '2024-01-15', 'run', :at, 1, 1, 1, 'content')"
OLD_DELIVERY = (
    "INSERT INTO deliveries (id, artifact, number, lane, kind, entry, target, state, attempts, registered_at) "
    "VALUES ('d', 'daily/2024-01-15/x', 1, 'lane', 'folder', '{}', '', 'due', 0, :at)"
)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "no URL"),
        (f"mysql://user:{SECRET}@localhost/x", "cannot live in mysql"),
        ("sqlite:////proc/none/ledger.db", "cannot be opened"),
    ],
)
def test_a_ledger_that_cannot_be_opened_is_told_without_its_url(url: str, text: str) -> None:
    with pytest.raises(SettingsError, match=text) as told:
        open_ledger(url)
    assert SECRET not in str(told.value)


def test_a_ledger_whose_server_is_away_may_be_there_later() -> None:
    with pytest.raises(LedgerSilent, match="does not answer: OperationalError") as told:
        open_ledger(f"postgresql://user:{SECRET}@127.0.0.1:1/x")
    assert SECRET not in str(told.value) and told.value.exit_code == 1


def test_a_ledger_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    first = open_ledger(url)
    with first.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer version"):
        open_ledger(url)


def test_a_ledger_of_the_first_version_is_brought_up_to_date(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    engine = sa.create_engine(driver_url(url))
    command.upgrade(migrations(engine), "0001")
    assert not sa.inspect(engine).has_table("audit")
    with engine.begin() as connection:
        connection.execute(sa.text(OLD_ARTIFACT), {"at": AT})
        connection.execute(sa.text(OLD_DELIVERY), {"at": AT})
    engine.dispose()
    again = open_ledger(url)
    assert again.delivery("d").state == "due" and again.audit() == []
    (record,) = again.windows("daily")
    assert (record.window_end, record.fingerprint, record.overridden) == (None, None, None)
    assert (record.window_key, set(record.missing)) == ("2024-01-15", {"due"})
    assert again.record("ann", "detokenize", "value", {}, AT) == 1
    with again.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    again.engine.dispose()


def test_a_commit_that_fails_leaves_no_transaction(tmp_path: Path) -> None:
    """The connection goes back to the others, and would keep everybody from writing."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(StoreError, match="in progress"), ledger.engine.begin() as connection:
        unread = connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'x' RETURNING 1")
    unread.close()
    with ledger.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() != "x"
    ledger.engine.dispose()


def test_a_new_ledger_gets_its_journal_by_one_process_alone(tmp_path: Path) -> None:
    """Of two that change it at once SQLite lets none wait: one would fail at the program's first start."""
    path = tmp_path / "ledger.db"
    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "ledger.db.migrating"):
            opening = pool.submit(open_ledger, f"sqlite:///{path}")
            while not path.exists():
                time.sleep(0.01)
            time.sleep(0.3)
            assert not is_in_wal(path)
        opening.result()
    assert is_in_wal(path)
