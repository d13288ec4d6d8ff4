"""A store with sealed artifacts, over a folder and a ledger of its own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretBytes

from export_pipelines.artifacts import Store, open_store, verify
from export_pipelines.artifacts.sealing import MasterKeys, SealedStore
from export_pipelines.errors import DamagedArtifact, SealedArtifact, SettingsError
from export_pipelines.key_versions import KeyVersion, KeyVersions
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.ledger.tables import data_keys
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, stored

ARTIFACT = f"daily/2024-01-15/{TOKEN}"
LATER = "20240117T020000Z-0a1b2d"
FIRST = "leads_part_1.csv"
NOW = datetime(2024, 1, 17, tzinfo=UTC)


def masters(*materials: bytes) -> MasterKeys:
    held = tuple(
        KeyVersion(
            name="MASTER_KEY" + (f"_{number}" if number > 1 else ""), secret=SecretBytes(material), where=""
        )
        for number, material in enumerate(materials, start=1)
    )
    made = MasterKeys.of(KeyVersions(name="MASTER_KEY", local=held))
    assert made is not None
    return made


ONE, TWO = b"1" * 32, b"2" * 32


@pytest.fixture
def keys(tmp_path: Path) -> LedgerKeys:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    return LedgerKeys(lambda: ledger.engine)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def store(folder: Path, keys: LedgerKeys) -> SealedStore:
    return SealedStore(open_store(str(folder)), keys, masters(ONE))


def contents(store: Store, artifact: str = ARTIFACT) -> dict[str, bytes]:
    read = {}
    for part in store.manifest(artifact).parts:
        with store.open(artifact, part.name) as file:
            read[part.name] = file.read()
    return read


def test_what_was_written_is_read_and_nothing_of_it_lies_in_the_folder(
    store: SealedStore, folder: Path
) -> None:
    stored(store)
    assert contents(store) == PARTS
    assert verify(store, ARTIFACT) == []
    files = [
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"
    ]
    assert len(files) == len(PARTS)
    assert not any(line in data for data in files for line in (b"id,email", b"2,b"))
    assert [part.stored_bytes for part in store.manifest(ARTIFACT).parts] == [
        store.files(ARTIFACT)[name] for name in PARTS
    ]


def test_reading_may_begin_at_any_byte(store: SealedStore) -> None:
    stored(store)
    with store.open(ARTIFACT, FIRST, 11) as file:
        assert file.read() == PARTS[FIRST][11:]


def test_what_lay_there_unsealed_is_read_beside_it(store: SealedStore) -> None:
    stored(store.store)
    stored(store, token=LATER)
    assert contents(store) == contents(store, f"daily/2024-01-15/{LATER}") == PARTS


@pytest.mark.parametrize("what", ["flip", "cut", "swap", "another artifact"])
def test_a_part_that_was_tampered_with_is_named(store: SealedStore, folder: Path, what: str) -> None:
    stored(store)
    stored(store, token=LATER)
    path = folder / ARTIFACT / FIRST
    data = path.read_bytes()
    other = {
        "swap": folder / ARTIFACT / "leads_part_2.csv",
        "another artifact": folder / "daily/2024-01-15" / LATER / FIRST,
    }
    if what == "flip":
        path.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
    elif what == "cut":
        path.write_bytes(data[:-1])
    else:
        path.write_bytes(other[what].read_bytes())
    assert [fault.partition(":")[0] for fault in verify(store, ARTIFACT)] == [FIRST]
    with pytest.raises(DamagedArtifact, match=f"{ARTIFACT}/{FIRST}"):
        contents(store)


def test_after_its_key_was_destroyed_it_opens_no_more_and_still_verifies(
    store: SealedStore, keys: LedgerKeys, tmp_path: Path
) -> None:
    stored(store)
    wrapped = keys.get(ARTIFACT)
    assert wrapped is not None
    key = store.masters.unwrap(wrapped) if store.masters else b""
    assert keys.destroy([ARTIFACT], NOW) == [ARTIFACT]
    assert keys.destroy([ARTIFACT], NOW) == []
    with pytest.raises(SealedArtifact, match="its key is not in this ledger"):
        contents(store)
    assert verify(store, ARTIFACT) == []
    for path in tmp_path.glob("ledger.db*"):
        if path.is_file():
            assert wrapped.wrapped not in path.read_bytes()
            assert wrapped.wrapped[12:44] not in path.read_bytes()
            assert key not in path.read_bytes()


def test_what_is_removed_loses_its_key_too(store: SealedStore, keys: LedgerKeys) -> None:
    stored(store)
    store.remove(ARTIFACT)
    assert keys.get(ARTIFACT) is None


def test_without_the_key_what_lies_there_is_held_against_its_own_digest(
    store: SealedStore, folder: Path
) -> None:
    stored(store)
    blind = SealedStore(store.store, store.keys, None)
    assert verify(blind, ARTIFACT) == []
    path = folder / ARTIFACT / FIRST
    path.write_bytes(path.read_bytes()[:-1])
    assert verify(blind, ARTIFACT)[0].startswith(f"{FIRST}: cut")


def test_another_master_key_opens_nothing(store: SealedStore) -> None:
    stored(store)
    with pytest.raises(SettingsError, match="is not held here"):
        contents(SealedStore(store.store, store.keys, masters(TWO)))
    with pytest.raises(SettingsError, match="no master key is set"):
        contents(SealedStore(store.store, store.keys, None))


def test_after_a_rotation_the_old_master_key_is_needed_no_more(store: SealedStore, keys: LedgerKeys) -> None:
    stored(store)
    both = masters(ONE, TWO)
    keys.replace(both.rewrap(keys.all()))
    assert contents(SealedStore(store.store, keys, masters(TWO))) == PARTS
    with pytest.raises(SettingsError, match="is not held here"):
        contents(store)


def test_a_wrapped_key_opens_its_own_artifact_only(store: SealedStore, keys: LedgerKeys) -> None:
    stored(store)
    stored(store, token=LATER)
    first, second = keys.all()
    keys.replace([type(first)(first.artifact, second.master, second.wrapped)])
    with pytest.raises(SettingsError, match="the ledger's entry was changed"):
        contents(store)


def test_ten_thousand_keys_are_rotated_in_one_go(keys: LedgerKeys) -> None:
    one = masters(ONE)
    with keys.engine.begin() as connection:
        connection.execute(
            data_keys.insert(),
            [
                {"artifact": key.artifact, "master": key.master, "wrapped": key.wrapped}
                for _, key in (one.new(f"daily/2024-01-15/{number:05}") for number in range(10_000))
            ],
        )
    both = masters(ONE, TWO)
    keys.replace(both.rewrap(keys.all()))
    assert {key.master for key in keys.all()} == {both.active.id}


def test_with_another_ledger_a_sealed_artifact_is_not_amended_and_gets_no_key(
    store: SealedStore, tmp_path: Path
) -> None:
    stored(store)
    ledger = open_ledger(f"sqlite:///{tmp_path / 'other.db'}")
    others = LedgerKeys(lambda: ledger.engine)
    with pytest.raises(SealedArtifact, match="not in this ledger"):
        replace(store, keys=others).amend(ARTIFACT)
    assert others.names() == set()
    with store.amend(ARTIFACT) as staging:
        staging.commit(store.manifest(ARTIFACT))
    assert contents(store) == PARTS
