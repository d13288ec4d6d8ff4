"""Sealing what lies in a store in clear: ended anywhere, an artifact is the plain one or the sealed one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.artifacts import verify
from export_pipelines.artifacts.sealing import SealedStore, seal_in_place, sealed_store
from export_pipelines.errors import DamagedArtifact, RetryableError, SettingsError
from export_pipelines_tests.artifacts.build import PARTS, stored
from export_pipelines_tests.artifacts.places import PLACES, SealedPlace
from export_pipelines_tests.artifacts.sealing.killed import killed_at
from export_pipelines_tests.artifacts.sealing.test_store import ARTIFACT, contents

MOST_STEPS = 200


@pytest.fixture(params=["sealed folder", "sealed s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SealedPlace:
    made = PLACES[request.param](tmp_path, monkeypatch)
    assert isinstance(made, SealedPlace)
    return made


@pytest.fixture
def folder_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SealedPlace]:
    made = PLACES["sealed folder"](tmp_path, monkeypatch)
    assert isinstance(made, SealedPlace)
    yield made


def plain(place: SealedPlace) -> SealedStore:
    store = sealed_store(place.store())
    stored(store.store)
    return store


def in_clear(place: SealedPlace) -> list[str]:
    return [name for name in place.names() if any(data == place.read(name) for data in PARTS.values())]


def test_what_is_stored_is_sealed_and_what_it_holds_stays(place: SealedPlace) -> None:
    store = plain(place)
    before = store.manifest(ARTIFACT)
    assert len(in_clear(place)) == len(PARTS)
    assert seal_in_place(store, ARTIFACT)
    after = store.manifest(ARTIFACT)
    assert in_clear(place) == []
    assert len(place.names()) == len(PARTS) + 1
    assert contents(store) == PARTS
    assert [part.sha256 for part in after.parts] == [part.sha256 for part in before.parts]
    assert after.as_delivered().to_json() == before.to_json()
    assert verify(store, ARTIFACT) == []
    assert verify(SealedStore(store.store, store.keys, None), ARTIFACT) == []
    assert not seal_in_place(store, ARTIFACT)
    store.remove(ARTIFACT)
    assert place.names() == []


def test_what_a_killed_try_left_is_removed_by_the_next(place: SealedPlace) -> None:
    store = plain(place)
    place.write(f"{ARTIFACT}/.sealed_0a1b2c3d_1", b"half")
    assert seal_in_place(store, ARTIFACT)
    assert len(place.names()) == len(PARTS) + 1
    place.write(f"{ARTIFACT}/leads_part_1.csv", PARTS["leads_part_1.csv"])
    assert not seal_in_place(store, ARTIFACT)
    assert in_clear(place) == []


def test_a_part_that_is_not_what_the_manifest_says_is_not_sealed(place: SealedPlace) -> None:
    store = plain(place)
    place.write(f"{ARTIFACT}/leads_part_2.csv", b"something else")
    before = place.names()
    with pytest.raises(DamagedArtifact, match=r"leads_part_2\.csv"):
        seal_in_place(store, ARTIFACT)
    assert place.names() == before
    assert not store.manifest(ARTIFACT).is_sealed


def test_without_a_master_key_nothing_is_done(place: SealedPlace) -> None:
    store = plain(place)
    with pytest.raises(SettingsError, match="seal needs the key"):
        seal_in_place(SealedStore(store.store, store.keys, None), ARTIFACT)
    assert contents(store) == PARTS


def test_two_do_not_seal_the_same_at_once(folder_place: SealedPlace) -> None:
    store = plain(folder_place)
    with store.amend(ARTIFACT), pytest.raises(RetryableError, match="another process"):
        seal_in_place(store, ARTIFACT)
    assert seal_in_place(store, ARTIFACT)


def test_a_sweep_in_between_takes_nothing_away(folder_place: SealedPlace) -> None:
    store = plain(folder_place)
    with store.amend(ARTIFACT) as staging:
        part = staging.open_part(".sealed_0a1b2c3d_1")
        part.write(b"half")
        part.finish()
        assert store.sweep() == []
    assert contents(store) == PARTS


def test_killed_anywhere_the_artifact_is_the_plain_one_or_the_sealed_one(folder_place: SealedPlace) -> None:
    store = plain(folder_place)
    outcomes = set()
    for step in range(1, MOST_STEPS):
        done = killed_at(step, store, lambda: seal_in_place(store, ARTIFACT))
        strangers = [fault for fault in verify(store, ARTIFACT) if ": added" not in fault]
        assert strangers == [], step
        assert contents(store) == PARTS, step
        outcomes.add(store.manifest(ARTIFACT).is_sealed)
        store.sweep()
        assert verify(store, ARTIFACT) == [], step
        if done:
            break
        if store.manifest(ARTIFACT).is_sealed:
            assert in_clear(folder_place) == [], step
            _again(store)
    assert done and outcomes == {True, False}
    assert in_clear(folder_place) == []


def _again(store: SealedStore) -> None:
    """The same artifact, in clear."""
    store.store.remove(ARTIFACT)
    stored(store.store)
