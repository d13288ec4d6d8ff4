"""A disk that fails is named where a library met it, such as Dagster with its own records."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipelines.cli.errors import tell_disk
from export_pipelines.files.full_disk import broken_place


def test_a_database_that_cannot_be_opened_names_its_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'missing' / 'runs.db'}")
    with pytest.raises(sa.exc.OperationalError) as raised:
        engine.connect()
    assert broken_place(raised.value, tmp_path) == tmp_path
    assert tell_disk(raised.value, tmp_path)
    said = capsys.readouterr().err
    assert f"{tmp_path}: the disk cannot be read or written" in said.replace("\n", "")
    assert "fault of the program" not in said


def test_a_file_that_cannot_be_read_names_itself(tmp_path: Path) -> None:
    assert broken_place(OSError(5, "Input/output error", "/mnt/part.csv"), tmp_path) == Path("/mnt/part.csv")
    assert broken_place(OSError(13, "Permission denied", "/mnt/part.csv"), tmp_path) is None


def test_any_other_fault_of_a_database_is_none_of_a_disk(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as raised:
        sqlite3.connect(":memory:").execute("SELECT nothing FROM nowhere")
    assert broken_place(raised.value, tmp_path) is None
