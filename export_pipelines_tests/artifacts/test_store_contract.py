"""What every store of artifacts owes, in a folder and in a bucket of a real server.

CELLS=all in the environment lets several processes write into a sealed folder and a plain bucket, too."""

import json
from pathlib import Path

import pytest

from export_pipelines.artifacts import Store, open_store
from export_pipelines.errors import DamagedArtifact, RequestError, StoreError
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, child_environment, manifest_of, stored
from export_pipelines_tests.artifacts.places import PLACES, Place
from export_pipelines_tests.cells import some
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.preloaded import Process, ended

ARTIFACT = f"daily/2024-01-15/{TOKEN}"


def test_a_committed_artifact_reads_back_byte_for_byte(store: Store) -> None:
    made = stored(store)
    assert store.manifest(ARTIFACT) == made
    for name, data in PARTS.items():
        with store.open(ARTIFACT, name) as file:
            assert file.read() == data


def test_a_committed_artifact_is_its_parts_and_its_manifest_and_nothing_else(
    store: Store, place: Place
) -> None:
    stored(store)
    assert place.names() == [f"{ARTIFACT}/{name}" for name in (*PARTS, "manifest.json")]


def test_before_the_commit_there_is_no_artifact(store: Store) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("leads_part_1.csv")
        part.write(b"x")
        part.finish()
        assert store.manifests() == []
        with pytest.raises(RequestError, match="unknown artifact"):
            store.manifest(ARTIFACT)


def test_a_part_has_its_name_only_when_it_is_finished(store: Store, place: Place) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("a.csv")
        part.write(b"x")
        assert f"{ARTIFACT}/a.csv" not in place.names()
        part.finish()
        assert f"{ARTIFACT}/a.csv" in place.names()


def test_an_error_in_a_run_leaves_nothing_behind(store: Store, place: Place) -> None:
    with pytest.raises(ZeroDivisionError), store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("a.csv").write(b"x")
        staging.open_part("b.csv").finish()
        raise ZeroDivisionError
    assert place.names() == []


def test_leaving_without_a_commit_leaves_nothing_behind(store: Store, place: Place) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("a.csv").finish()
    assert place.names() == []


def test_an_aborted_run_leaves_the_artifacts_beside_it(store: Store) -> None:
    made = stored(store)
    with store.begin("daily", "2024-01-15", "20240117T020000Z-0a1b2c") as staging:
        staging.open_part("a.csv").finish()
    assert store.manifests() == [made]


@pytest.mark.parametrize("change", ["short", "missing", "unfinished"])
def test_a_manifest_that_the_parts_do_not_bear_out_is_not_committed(
    store: Store, place: Place, change: str
) -> None:
    with (
        pytest.raises(DamagedArtifact, match="were written"),
        store.begin("daily", "2024-01-15", TOKEN) as staging,
    ):
        for name, data in PARTS.items():
            last = name == list(PARTS)[-1]
            if last and change == "missing":
                continue
            part = staging.open_part(name)
            part.write(data[:-1] if last and change == "short" else data)
            if not (last and change == "unfinished"):
                part.finish()
        staging.commit(manifest_of())
    assert place.names() == []


def test_parts_that_the_manifest_does_not_list_are_removed_at_the_commit(store: Store) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        for name, data in {**PARTS, "extra.csv": b"x"}.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        staging.open_part("open.csv").write(b"x")
        staging.commit(manifest_of())
    assert list(store.files(ARTIFACT)) == list(PARTS)


def test_two_parts_of_one_name_are_refused(store: Store) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("leads.csv").finish()
        with pytest.raises(RequestError, match=r"both be named \"leads.csv\".*\{\{part\}\}"):
            staging.open_part("leads.csv")


@pytest.mark.parametrize(
    "name", ["../a.csv", "a/b.csv", ".lock", "manifest.json", "a.tmp", "", " ", "a\nb", "a\\b", "x" * 201]
)
def test_a_part_name_that_is_no_plain_file_name_is_refused(store: Store, place: Place, name: str) -> None:
    with (
        pytest.raises(RequestError, match="cannot be named"),
        store.begin("daily", "2024-01-15", TOKEN) as staging,
    ):
        staging.open_part(name)
    assert place.names() == []


@pytest.mark.parametrize(
    ("export", "key", "token"),
    [("..", "k", TOKEN), ("a/b", "k", TOKEN), ("a", "", TOKEN), ("a", "k", "1"), ("a", "k", "..")],
)
def test_names_that_would_leave_the_layout_are_refused(
    store: Store, place: Place, export: str, key: str, token: str
) -> None:
    with pytest.raises(RequestError):
        store.begin(export, key, token)
    assert place.names() == []


def test_the_same_token_twice_is_refused_and_the_first_stays(store: Store) -> None:
    made = stored(store)
    with pytest.raises(StoreError, match="File exists|already there"):
        store.begin("daily", "2024-01-15", TOKEN)
    assert store.manifests() == [made]


def test_a_cut_manifest_is_listed_as_damaged_and_keeps_nothing_else_from_the_list(
    store: Store, place: Place
) -> None:
    made = stored(store)
    bad = stored(store, token="20240120T020000Z-0a1b2c")
    name = f"{bad.artifact}/manifest.json"
    place.write(name, place.read(name)[:-30])
    listing = store.listing()
    assert listing.manifests == (made,) == tuple(store.manifests())
    assert list(listing.damaged) == [bad.artifact]
    assert store.latest("daily") == made
    with pytest.raises(DamagedArtifact, match=r"manifest\.json: the manifest cannot be read"):
        store.manifest(bad.artifact)


def test_an_edited_manifest_is_found_out(store: Store, place: Place) -> None:
    made = stored(store)
    name = f"{made.artifact}/manifest.json"
    content = json.loads(place.read(name))
    content["rows"] += 1
    place.write(name, json.dumps(content).encode())
    with pytest.raises(DamagedArtifact, match="was changed: its digest does not match"):
        store.manifest(made.artifact)


def test_a_manifest_moved_to_another_artifact_is_found_out(store: Store, place: Place) -> None:
    first, second = stored(store), stored(store, export="weekly")
    place.write(f"{first.artifact}/manifest.json", place.read(f"{second.artifact}/manifest.json"))
    with pytest.raises(DamagedArtifact, match="is that of weekly/"):
        store.manifest(first.artifact)


def test_an_unknown_artifact_names_the_nearest(store: Store) -> None:
    stored(store)
    with pytest.raises(RequestError, match=f'did you mean "{ARTIFACT}"'):
        store.manifest(ARTIFACT[:-1] + "d")


@pytest.mark.parametrize("artifact", ["../../etc", "daily/2024-01-15", "/etc/passwd/x", ""])
def test_an_artifact_id_that_leaves_the_store_is_unknown(store: Store, artifact: str) -> None:
    stored(store)
    with pytest.raises(RequestError, match="unknown artifact"):
        store.manifest(artifact)


def test_sweep_removes_what_a_dead_run_left(store: Store, place: Place) -> None:
    made = stored(store)
    dead = "daily/2024-01-01/20240101T000000Z-ffffff"
    place.write(f"{dead}/leads_part_1.csv", b"finished")
    place.unfinished(f"{dead}/leads_part_2.csv")
    assert place.later().sweep("weekly") == []
    assert place.later().sweep() == [dead]
    assert place.names() == [f"{ARTIFACT}/{name}" for name in (*PARTS, "manifest.json")]
    assert store.manifests() == [made]


def test_a_removed_artifact_is_gone(store: Store, place: Place) -> None:
    made, other = stored(store), stored(store, export="weekly")
    store.remove(made.artifact)
    assert store.manifests() == [other]
    assert all(name.startswith("weekly/") for name in place.names())
    with pytest.raises(RequestError, match="unknown artifact"):
        store.remove("../../etc/passwd")


def test_sweep_leaves_a_living_run_alone(store: Store, place: Place) -> None:
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("leads_part_1.csv")
        assert open_store(place.url).sweep() == []
        part.write(PARTS["leads_part_1.csv"])
        part.finish()
        assert store.sweep() == []
        only = {"leads_part_1.csv": PARTS["leads_part_1.csv"]}
        staging.commit(manifest_of(only))
    assert len(store.manifests()) == 1


def test_sweep_throws_nothing_away_where_the_manifest_is_damaged(store: Store, place: Place) -> None:
    stored(store)
    place.write(f"{ARTIFACT}/manifest.json", b"{")
    assert place.later().sweep() == []
    assert list(store.files(ARTIFACT)) == list(PARTS)


def test_sweep_never_touches_what_no_run_can_have_made(store: Store, place: Place) -> None:
    for name in ("notes/2024/summary/text.txt", "photos/a.jpg", f"x/{TOKEN}/y/z"):
        place.write(name, b"mine")
    before = place.names()
    assert place.later().sweep() == []
    assert place.names() == before


EACH = examples(20)
WRITER = """
import sys
from export_pipelines.artifacts import open_store
from export_pipelines_tests.artifacts.build import stored
store = open_store(sys.argv[1])
for n in range(int(sys.argv[3])):
    stored(store, token=f"20240116T{2 + n // 60:02d}{n % 60:02d}00Z-{sys.argv[2]}")
    store.sweep()
"""


@pytest.mark.parametrize("place", some(list(PLACES), ("folder", "sealed s3")), indirect=True)
def test_runs_and_sweeps_of_several_processes_at_once_lose_nothing(
    store: Store, place: Place, tmp_path: Path
) -> None:
    writers = [
        Process(["-c", WRITER, place.url, f"00000{n}", str(EACH)], tmp_path, child_environment())
        for n in range(3)
    ]
    assert [ended(writer) for writer in writers] == ["", "", ""]
    assert len(store.manifests()) == 3 * EACH
    assert store.sweep() == []
