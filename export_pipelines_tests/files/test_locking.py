"""Locks on files: what the block did is done, whatever becomes of the file."""

from pathlib import Path

import pytest

from export_pipelines.errors import StoreError
from export_pipelines.files.locking import hold_lock, locked
from export_pipelines.ledger.locks import FileLocks


def refuse(*_: object, **__: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_lock_whose_file_cannot_be_taken_away_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    with monkeypatch.context() as context:
        context.setattr(Path, "unlink", refuse)
        with locked(path):
            pass
        with hold_lock(path) as ours:
            assert ours
    assert path.exists()
    with hold_lock(path) as ours, hold_lock(path) as again:
        assert ours and not again
    assert not path.exists()


def test_a_lock_whose_file_could_not_be_taken_away_at_first_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a network's folder that fails once."""
    path, unlink, refused = tmp_path / "lock", Path.unlink, [refuse]

    def take_away(path: Path, missing_ok: bool = False) -> None:
        (refused.pop() if refused else unlink)(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", take_away)
    with locked(path):
        pass
    assert not path.exists() and not refused


def test_a_lock_of_the_ledger_on_a_full_disk_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    locks = FileLocks(tmp_path / "locks")
    with monkeypatch.context() as context:
        context.setattr("export_pipelines.files.locking.os.open", full)
        with (
            pytest.raises(StoreError, match="cannot take a lock of the ledger: No space left"),
            locks.hold("x"),
        ):
            pass
    with locks.hold("x") as ours:
        assert ours


def test_an_error_of_the_block_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="of the block") as raised, FileLocks(tmp_path).hold("x"):
        raise OSError("of the block")
    assert not isinstance(raised.value, StoreError)


def test_locks_of_killed_holders_are_swept_and_no_others(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    (tmp_path / "of-a-killed-holder").touch()
    with locks.hold("held"):
        locks.sweep()
        assert [path.name for path in tmp_path.iterdir()] == ["held"]
        with locks.hold("held") as again:
            assert not again
    assert list(tmp_path.iterdir()) == []
