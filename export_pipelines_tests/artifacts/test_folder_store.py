import json
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.errors import SettingsError, StoreError
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, child_environment, manifest_of, stored

ARTIFACT = f"daily/2024-01-15/{TOKEN}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(str(root))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_a_manifest_survives_its_file_unchanged() -> None:
    made = manifest_of().with_digest()
    assert Manifest.from_json(made.to_json(), "here") == made
    assert Manifest.from_json(made.to_json(), "here").to_json() == made.to_json()


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
    store: Store, root: Path, lock: bool
) -> None:
    made = stored(store)
    debris(root, lock=lock)
    assert store.sweep() == ["daily/2024-01-01/20240101T000000Z-ffffff"]
    assert not (root / "daily" / "2024-01-01").exists()
    assert store.manifests() == [made]


def test_sweep_removes_the_empty_folder_of_a_run_killed_before_its_lock(store: Store, root: Path) -> None:
    (root / ARTIFACT).mkdir(parents=True)
    assert store.sweep() == [ARTIFACT]
    assert files(root) == []


def test_sweep_removes_files_that_the_manifest_does_not_know(store: Store, root: Path) -> None:
    made = stored(store)
    (root / ARTIFACT / "stray.csv").write_bytes(b"x")
    (root / ARTIFACT / "leads_part_3.csv.tmp").write_bytes(b"x")
    (root / ARTIFACT / ".lock").touch()  # killed between the manifest and the lock's removal
    assert store.sweep() == [f"{ARTIFACT}/leads_part_3.csv.tmp", f"{ARTIFACT}/stray.csv"]
    assert sorted(path.name for path in (root / ARTIFACT).iterdir()) == [*PARTS, "manifest.json"]
    assert store.manifests() == [made]


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
def test_a_full_disk_is_told_and_leaves_nothing_behind(store: Store, root: Path, blocks: int) -> None:
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


def test_a_store_where_a_file_stands_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot make the artifact's folder.*name another folder"):
        open_store(str(tmp_path / "store")).begin("daily", "2024-01-15", TOKEN)
    assert (tmp_path / "store").read_text() == "a file"


def test_a_store_that_cannot_be_made_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StoreError, match="Not a directory"):
        open_store(str(tmp_path / "file" / "store")).begin("daily", "2024-01-15", TOKEN)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_may_not_be_written_is_told() -> None:
    store = open_store("/proc/export_pipelines")  # refused even to root
    with pytest.raises(StoreError, match="cannot make the artifact's folder"):
        store.begin("daily", "2024-01-15", TOKEN)


# --- URLs ----------------------------------------------------------------------------------------------------


def test_a_file_url_and_a_path_are_the_same_store(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    made = stored(open_store(f"file://{tmp_path}/with%20space"))
    assert open_store(str(folder)).manifests() == [made]


@pytest.mark.parametrize("url", ["gs://x", "sftp://host/x"])
def test_a_kind_of_store_that_is_not_there_yet_is_refused_in_plain_words(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"no artifact store of kind \w+:// is built in; a folder and a bucket are"
    ):
        open_store(url)


def test_a_file_url_of_another_machine_is_refused() -> None:
    with pytest.raises(SettingsError, match="three slashes"):
        open_store("file://host/folder")


def test_created_at_is_utc_in_the_file() -> None:
    moment = datetime(2024, 1, 16, 2, 0, tzinfo=UTC)
    assert json.loads(manifest_of(at=moment).to_json())["created_at"] == "2024-01-16T02:00:00Z"
