"""A disk that is full, and a folder of temporary files that is not there, are errors of the store, at whatever call."""

import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from export_pipelines.errors import StoreError
from export_pipelines.run.changes.mapped_file import MappedFile

ROOM = 4096


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process may be longer than ROOM."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_much(file: MappedFile) -> None:
    file.write(b"d" * 100 * ROOM)


def write_little_and_map(file: MappedFile) -> None:
    for _ in range(ROOM // 10 + 10):
        file.write(b"d" * 10)  # stays in the file's buffer
    file.map()


@pytest.mark.parametrize("work", [write_much, write_little_and_map])
def test_a_full_disk_is_an_error_of_the_store(work: Callable[[MappedFile], None]) -> None:
    with (
        little_room(),
        MappedFile() as file,
        pytest.raises(StoreError, match=r"cannot keep digests of rows: .*TMPDIR"),
    ):
        work(file)


def test_without_a_folder_of_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(StoreError, match="cannot keep digests of rows: No such file"):
        MappedFile()


def test_what_was_written_is_mapped() -> None:
    with MappedFile() as file:
        file.write(b"a")
        file.write(b"b")
        assert file.map().to_pybytes() == b"ab"
    with MappedFile() as file:
        assert file.map().to_pybytes() == b""
