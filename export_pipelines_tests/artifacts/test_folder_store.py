import json
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.errors import DamagedArtifact, RequestError, SettingsError, StoreError
from export_pipelines_tests.artifacts.build import AT, PARTS, TOKEN, child_environment, manifest_of, stored

ARTIFACT = f"daily/2024-01-15/{TOKEN}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(str(root))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_a_committed_artifact_reads_back_byte_for_byte(store: Store):
    made = stored(store)
    assert store.manifest(ARTIFACT) == made
    for name, data in PARTS.items():
        with store.open(ARTIFACT, name) as file:
            assert file.read() == data


def test_a_committed_artifact_is_its_parts_and_its_manifest_and_nothing_else(store: Store, root: Path):
    stored(store)
    assert [path.name for path in sorted((root / ARTIFACT).iterdir())] == [*PARTS, "manifest.json"]
    assert [path.name for path in root.iterdir()] == ["daily"]


def test_before_the_commit_there_is_no_artifact(store: Store):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("leads_part_1.csv")
        part.write(b"x")
        part.finish()
        assert store.manifests() == []
        with pytest.raises(RequestError, match="unknown artifact"):
            store.manifest(ARTIFACT)


def test_a_part_has_its_name_only_when_it_is_finished(store: Store, root: Path):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("a.csv")
        part.write(b"x")
        assert not (root / ARTIFACT / "a.csv").exists()
        part.finish()
        assert (root / ARTIFACT / "a.csv").read_bytes() == b"x"


def test_an_error_in_a_run_leaves_nothing_behind(store: Store, root: Path):
    with pytest.raises(ZeroDivisionError), store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("a.csv").write(b"x")
        staging.open_part("b.csv").finish()
        raise ZeroDivisionError
    assert files(root) == []


def test_leaving_without_a_commit_leaves_nothing_behind(store: Store, root: Path):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("a.csv").finish()
    assert files(root) == []


def test_an_aborted_run_leaves_the_artifacts_beside_it(store: Store):
    made = stored(store)
    with store.begin("daily", "2024-01-15", "20240117T020000Z-0a1b2c") as staging:
        staging.open_part("a.csv").finish()
    assert store.manifests() == [made]


@pytest.mark.parametrize("change", ["short", "missing", "unfinished"])
def test_a_manifest_that_the_parts_do_not_bear_out_is_not_committed(store: Store, root: Path, change: str):
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
    assert files(root) == []


def test_parts_that_the_manifest_does_not_list_are_removed_at_the_commit(store: Store):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        for name, data in {**PARTS, "extra.csv": b"x"}.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        staging.open_part("open.csv").write(b"x")
        staging.commit(manifest_of())
    assert list(store.files(ARTIFACT)) == list(PARTS)


def test_two_parts_of_one_name_are_refused(store: Store):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        staging.open_part("leads.csv").finish()
        with pytest.raises(RequestError, match=r"both be named \"leads.csv\".*\{\{part\}\}"):
            staging.open_part("leads.csv")


@pytest.mark.parametrize(
    "name", ["../a.csv", "a/b.csv", ".lock", "manifest.json", "a.tmp", "", " ", "a\nb", "a\\b", "x" * 201]
)
def test_a_part_name_that_is_no_plain_file_name_is_refused(store: Store, root: Path, name: str):
    with (
        pytest.raises(RequestError, match="cannot be named"),
        store.begin("daily", "2024-01-15", TOKEN) as staging,
    ):
        staging.open_part(name)
    assert files(root) == []


@pytest.mark.parametrize(
    ("export", "key", "token"),
    [("..", "k", TOKEN), ("a/b", "k", TOKEN), ("a", "", TOKEN), ("a", "k", "1"), ("a", "k", "..")],
)
def test_names_that_would_leave_the_layout_are_refused(store: Store, root: Path, export, key, token):
    with pytest.raises(RequestError):
        store.begin(export, key, token)
    assert not root.exists()


def test_the_same_token_twice_is_refused_and_the_first_stays(store: Store):
    made = stored(store)
    with pytest.raises(StoreError, match="File exists"):
        store.begin("daily", "2024-01-15", TOKEN)
    assert store.manifests() == [made]


def test_manifests_come_newest_first_whatever_their_windows(store: Store):
    ages = [5, 1, 3]
    for age in ages:
        at = AT - timedelta(days=age)
        stored(store, token=f"{at:%Y%m%dT%H%M%SZ}-0a1b2c", at=at)
    assert [one.created_at for one in store.manifests()] == [AT - timedelta(days=age) for age in (1, 3, 5)]
    latest = store.latest("daily")
    assert latest is not None and latest.created_at == AT - timedelta(days=1)


def test_manifests_of_one_export_leave_out_the_others(store: Store):
    stored(store)
    other = stored(store, export="weekly")
    assert store.manifests("weekly") == [other]
    assert store.manifests("monthly") == [] and store.latest("monthly") is None


def test_a_store_that_was_never_used_is_empty_and_stays_unmade(store: Store, root: Path):
    assert store.manifests() == [] and store.sweep() == []
    assert not root.exists()


def test_a_cut_manifest_is_listed_as_damaged_and_keeps_nothing_else_from_the_list(store: Store, root: Path):
    made = stored(store)
    bad = stored(store, token="20240120T020000Z-0a1b2c")
    path = root / bad.artifact / "manifest.json"
    path.write_bytes(path.read_bytes()[:-30])
    listing = store.listing()
    assert listing.manifests == (made,) == tuple(store.manifests())
    assert list(listing.damaged) == [bad.artifact]
    assert store.latest("daily") == made
    with pytest.raises(DamagedArtifact, match=r"manifest\.json: the manifest cannot be read"):
        store.manifest(bad.artifact)


def test_an_edited_manifest_is_found_out(store: Store, root: Path):
    made = stored(store)
    path = root / made.artifact / "manifest.json"
    content = json.loads(path.read_text())
    content["rows"] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(DamagedArtifact, match="was changed: its digest does not match"):
        store.manifest(made.artifact)


def test_a_manifest_moved_to_another_artifact_is_found_out(store: Store, root: Path):
    first, second = stored(store), stored(store, export="weekly")
    (root / first.artifact / "manifest.json").write_bytes(
        (root / second.artifact / "manifest.json").read_bytes()
    )
    with pytest.raises(DamagedArtifact, match="is that of weekly/"):
        store.manifest(first.artifact)


def test_a_manifest_survives_its_file_unchanged():
    made = manifest_of().sealed()
    assert Manifest.from_json(made.to_json(), "here") == made
    assert Manifest.from_json(made.to_json(), "here").to_json() == made.to_json()


def test_an_unknown_artifact_names_the_nearest(store: Store):
    stored(store)
    with pytest.raises(RequestError, match=f'did you mean "{ARTIFACT}"'):
        store.manifest(ARTIFACT[:-1] + "d")


@pytest.mark.parametrize("artifact", ["../../etc", "daily/2024-01-15", "/etc/passwd/x", ""])
def test_an_artifact_id_that_leaves_the_store_is_unknown(store: Store, artifact: str):
    stored(store)
    with pytest.raises(RequestError, match="unknown artifact"):
        store.manifest(artifact)


# --- sweep ---------------------------------------------------------------------------------------------------


def debris(root: Path, token: str = "20240101T000000Z-ffffff", lock: bool = True) -> Path:
    folder = root / "daily" / "2024-01-01" / token
    folder.mkdir(parents=True)
    (folder / "leads_part_1.csv").write_bytes(b"finished")
    (folder / "leads_part_2.csv.tmp").write_bytes(b"half")
    (folder / "manifest.json.tmp").write_bytes(b"{")
    if lock:
        (folder / ".lock").touch()
    return folder


@pytest.mark.parametrize("lock", [True, False])
def test_sweep_removes_what_a_dead_run_left_and_the_folders_that_are_then_empty(
    store, root: Path, lock: bool
):
    made = stored(store)
    debris(root, lock=lock)
    assert store.sweep() == ["daily/2024-01-01/20240101T000000Z-ffffff"]
    assert not (root / "daily" / "2024-01-01").exists()
    assert store.manifests() == [made]


def test_sweep_removes_the_empty_folder_of_a_run_killed_before_its_lock(store: Store, root: Path):
    (root / ARTIFACT).mkdir(parents=True)
    assert store.sweep() == [ARTIFACT]
    assert files(root) == []


def test_sweep_leaves_a_living_run_alone(store: Store, root: Path):
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("leads_part_1.csv")
        assert open_store(str(root)).sweep() == []
        part.write(PARTS["leads_part_1.csv"])
        part.finish()
        assert store.sweep() == []
        only = {"leads_part_1.csv": PARTS["leads_part_1.csv"]}
        staging.commit(manifest_of(only))
    assert len(store.manifests()) == 1


def test_sweep_removes_files_that_the_manifest_does_not_know(store: Store, root: Path):
    made = stored(store)
    (root / ARTIFACT / "stray.csv").write_bytes(b"x")
    (root / ARTIFACT / "leads_part_3.csv.tmp").write_bytes(b"x")
    (root / ARTIFACT / ".lock").touch()  # killed between the manifest and the lock's removal
    assert store.sweep() == [f"{ARTIFACT}/leads_part_3.csv.tmp", f"{ARTIFACT}/stray.csv"]
    assert sorted(path.name for path in (root / ARTIFACT).iterdir()) == [*PARTS, "manifest.json"]
    assert store.manifests() == [made]


def test_sweep_throws_nothing_away_where_the_manifest_is_damaged(store: Store, root: Path):
    stored(store)
    (root / ARTIFACT / "manifest.json").write_text("{")
    assert store.sweep() == []
    assert list(store.files(ARTIFACT)) == list(PARTS)


def test_sweep_never_touches_what_no_run_can_have_made(store: Store, root: Path):
    for name in ("notes/2024/summary/text.txt", "photos/a.jpg", f"x/{TOKEN}/y/z"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("mine")
    before = files(root)
    assert store.sweep() == []
    assert files(root) == before


WRITER = """
import sys
from export_pipelines.artifacts import open_store
from export_pipelines_tests.artifacts.build import stored
store = open_store(sys.argv[1])
for n in range(40):
    stored(store, token=f"20240116T02{n:02d}00Z-{sys.argv[2]}")
    store.sweep()
"""


def test_runs_and_sweeps_of_several_processes_at_once_lose_nothing(store: Store, root: Path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), f"00000{n}"], env=child_environment())
        for n in range(3)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert len(store.manifests()) == 120
    assert store.sweep() == []


# --- failing file systems ------------------------------------------------------------------------------------

FULL_DISK = """
import sys
from export_pipelines.artifacts import open_store
from export_pipelines.errors import StoreError
store = open_store(sys.argv[1])
try:
    with store.begin("daily", "2024-01-15", "20240116T020000Z-0a1b2c") as staging:
        for n in range(1, 4):
            part = staging.open_part(f"part_{n}.csv")
            for _ in range(int(sys.argv[2]) if n == 3 else 1):
                part.write(b"x" * 100_000)
            part.finish()
except StoreError as error:
    print(error, error.exit_code, sep="|")
"""


@pytest.mark.parametrize("blocks", [3, 40], ids=["told at finish", "told at write"])
def test_a_full_disk_is_told_and_leaves_nothing_behind(store: Store, root: Path, blocks: int):
    limit = 250_000
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(root), str(blocks)],
        env=child_environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "File too large" in done.stdout and "make room" in done.stdout
    assert done.stdout.strip().endswith("|1")
    assert files(root) == []


def test_a_store_where_a_file_stands_is_told(tmp_path: Path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot make the artifact's folder.*name another folder"):
        open_store(str(tmp_path / "store")).begin("daily", "2024-01-15", TOKEN)
    assert (tmp_path / "store").read_text() == "a file"


def test_a_store_that_cannot_be_made_is_told_and_nothing_is_left(tmp_path: Path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StoreError, match="Not a directory"):
        open_store(str(tmp_path / "file" / "store")).begin("daily", "2024-01-15", TOKEN)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_may_not_be_written_is_told():
    store = open_store("/proc/export_pipelines")  # refused even to root
    with pytest.raises(StoreError, match="cannot make the artifact's folder"):
        store.begin("daily", "2024-01-15", TOKEN)


# --- URLs ----------------------------------------------------------------------------------------------------


def test_a_file_url_and_a_path_are_the_same_store(tmp_path: Path):
    folder = tmp_path / "with space"
    made = stored(open_store(f"file://{tmp_path}/with%20space"))
    assert open_store(str(folder)).manifests() == [made]


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://x", "sftp://host/x"])
def test_a_kind_of_store_that_is_not_there_yet_is_refused_in_plain_words(url: str):
    with pytest.raises(SettingsError, match=r"no artifact store of kind \w+:// is built in yet; a folder is"):
        open_store(url)


def test_a_file_url_of_another_machine_is_refused():
    with pytest.raises(SettingsError, match="three slashes"):
        open_store("file://host/folder")


def test_created_at_is_utc_in_the_file():
    moment = datetime(2024, 1, 16, 2, 0, tzinfo=UTC)
    assert json.loads(manifest_of(at=moment).to_json())["created_at"] == "2024-01-16T02:00:00Z"
