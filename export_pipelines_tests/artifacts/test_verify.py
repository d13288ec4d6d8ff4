from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.artifacts import Store, open_store, verify
from export_pipelines.errors import RequestError
from export_pipelines_tests.artifacts.build import TOKEN, manifest_of, stored

ARTIFACT = f"daily/2024-01-15/{TOKEN}"
ONE, TWO = "leads_part_1.csv", "leads_part_2.csv"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def flip(folder: Path) -> None:
    data = bytearray((folder / TWO).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / TWO).write_bytes(data)


def cut(folder: Path) -> None:
    (folder / TWO).write_bytes((folder / TWO).read_bytes()[:-1])


def grow(folder: Path) -> None:
    (folder / TWO).write_bytes((folder / TWO).read_bytes() + b"x")


def swap(folder: Path) -> None:
    one, two = (folder / ONE).read_bytes(), (folder / TWO).read_bytes()
    (folder / ONE).write_bytes(two)
    (folder / TWO).write_bytes(one)


def lose(folder: Path) -> None:
    (folder / ONE).unlink()


def overwrite(folder: Path) -> None:
    (folder / ONE).write_bytes((folder / TWO).read_bytes())


def add(folder: Path) -> None:
    (folder / "leads_part_3.csv").write_bytes(b"x")


def edit_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))


def cut_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:100])


def test_a_whole_artifact_has_no_faults(store: Store) -> None:
    stored(store)
    assert verify(store, ARTIFACT) == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (flip, [f"{TWO}: changed, SHA-256 is"]),
        (cut, [f"{TWO}: cut, 909 of 910 bytes are left"]),
        (grow, [f"{TWO}: changed, it grew from 910 to 911 bytes"]),
        (
            swap,
            [f"{ONE}: swapped, it holds the bytes of {TWO}", f"{TWO}: swapped, it holds the bytes of {ONE}"],
        ),
        (lose, [f"{ONE}: lost, the file is not there"]),
        (overwrite, [f"{ONE}: swapped, it holds the bytes of {TWO}"]),
        (add, ["leads_part_3.csv: added, the manifest does not know it"]),
        (edit_manifest, ["manifest.json: the manifest was changed: its digest does not match"]),
        (cut_manifest, ["manifest.json: the manifest cannot be read"]),
    ],
)
def test_verify_names_what_is_wrong(
    store: Store, tmp_path: Path, damage: Callable[[Path], None], expected: list[str]
) -> None:
    stored(store)
    damage(tmp_path / ARTIFACT)
    faults = verify(store, ARTIFACT)
    assert len(faults) == len(expected)
    for fault, beginning in zip(faults, expected, strict=True):
        assert fault.startswith(beginning)


@pytest.mark.parametrize("position", range(0, 910, 101))
def test_one_changed_byte_anywhere_is_found(store: Store, tmp_path: Path, position: int) -> None:
    stored(store)
    path = tmp_path / ARTIFACT / TWO
    data = bytearray(path.read_bytes())
    data[position] ^= 0x80
    path.write_bytes(data)
    assert [fault.split(":")[0] for fault in verify(store, ARTIFACT)] == [TWO]


def test_totals_that_the_parts_do_not_add_up_to_are_a_fault(store: Store, tmp_path: Path) -> None:
    stored(store)
    wrong = manifest_of().model_copy(update={"rows": 7})
    (tmp_path / ARTIFACT / "manifest.json").write_bytes(wrong.to_json())
    rows = sum(part.rows for part in wrong.parts)
    assert verify(store, ARTIFACT) == [f"manifest.json: rows says 7, its parts add up to {rows}"]


def test_several_faults_are_all_named(store: Store, tmp_path: Path) -> None:
    stored(store)
    lose(tmp_path / ARTIFACT)
    flip(tmp_path / ARTIFACT)
    add(tmp_path / ARTIFACT)
    assert [fault.split(":")[0] for fault in verify(store, ARTIFACT)] == [ONE, TWO, "leads_part_3.csv"]


def test_an_unknown_artifact_is_refused(store: Store) -> None:
    with pytest.raises(RequestError, match="unknown artifact"):
        verify(store, ARTIFACT)
