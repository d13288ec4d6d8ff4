"""Manifests that are read when they are asked for."""

import pickle

from export_pipelines.artifacts import Store
from export_pipelines.artifacts.stored_manifests import StoredManifests, joined
from export_pipelines_tests.artifacts.build import stored

LATER = "20240117T020000Z-0a1b2c"


def test_manifests_are_those_of_their_names(store: Store) -> None:
    first, second = stored(store), stored(store, token=LATER)
    manifests = StoredManifests(store, (first.artifact, second.artifact))
    assert (list(manifests), manifests[1], len(manifests)) == ([first, second], second, 2)
    assert list(manifests[1:]) == [second] and not manifests[2:]
    store.remove(second.artifact)
    assert manifests[0] == first


def test_those_of_several_runs_are_one_row_wherever_they_were_written(store: Store) -> None:
    first, second = stored(store), stored(store, token=LATER)
    here = [StoredManifests(store, (made.artifact,)) for made in (first, second)]
    elsewhere = pickle.loads(pickle.dumps((first,)))
    assert isinstance(joined(here), StoredManifests) and list(joined(here)) == [first, second]
    assert list(joined([elsewhere, here[1]])) == [first, second] and not joined([])
