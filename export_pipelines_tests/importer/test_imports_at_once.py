"""Of two imports into one store one waits for the other, and neither is half done."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from export_pipelines.errors import StoreError
from export_pipelines.importer.import_csv import ImportResult, import_leads
from export_pipelines.lead_store import one_writer
from export_pipelines.lead_store.tables import metadata
from export_pipelines.settings import driver_url
from export_pipelines_tests.importer.room import MAP


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'leads.db'}"
    address: str = request.getfixturevalue(f"{request.param}_url")
    engine = create_engine(driver_url(address))
    metadata.drop_all(engine)
    engine.dispose()
    return address


def load(folder: Path, name: str, url: str, **options: Any) -> ImportResult:
    file = folder / f"{name}.csv"
    file.write_text(f"when,ref\n2024-01-15,{name}\n2024-01-16,{name}\n")
    return import_leads(file, MAP, url, folder / f"{name}_rejects.csv", **options)


def test_two_imports_that_name_one_new_flow_are_both_loaded(url: str, tmp_path: Path) -> None:
    works, waits = Event(), Event()

    def work(_: int) -> None:
        works.set()
        assert waits.wait(30)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(load, tmp_path, "first", url, progress=work)
        assert works.wait(30)
        second = threads.submit(load, tmp_path, "second", url, waiting=waits.set)
        results = [first.result(60), second.result(60)]
    assert [(result.loaded, result.rejected) for result in results] == [(2, 0), (2, 0)]
    engine = create_engine(driver_url(url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), count(DISTINCT flow_id) FROM leads")).one() == (4, 1)
        assert connection.execute(text("SELECT name FROM flows")).all() == [("Loans",)]
    engine.dispose()


def test_who_waits_in_vain_says_so_and_writes_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_writer, "WAIT_S", 0.5)
    works, over = Event(), Event()

    def work(_: int) -> None:
        works.set()
        assert over.wait(60)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(load, tmp_path, "first", url, progress=work)
        assert works.wait(30)
        with pytest.raises(StoreError, match="another process has been writing into the lead store"):
            load(tmp_path, "second", url)
        over.set()
        assert first.result(60).loaded == 2
    assert {path.name for path in tmp_path.iterdir()} <= {"first.csv", "second.csv", "leads.db"}
