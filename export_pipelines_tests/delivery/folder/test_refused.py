"""Places that no delivery goes to, a full disk, and settings that a folder does not have."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import Store
from export_pipelines.errors import RequestError, StoreError
from export_pipelines_tests.artifacts.build import child_environment, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry
from export_pipelines_tests.delivery.folder.test_folder import LATER, OTHER, Send, contents, whole


@pytest.mark.parametrize("path", ["../out", "a/../../b", "{{export}}/..", "/srv/../etc"])
def test_a_path_that_climbs_out_is_refused(send: Send, store: Store, home: Path, path: str) -> None:
    with pytest.raises(RequestError, match=r"\.\."):
        send(stored(store), path=path)
    assert not (home / "delivered").exists()


def test_a_path_into_the_artifact_store_is_refused(send: Send, store: Store, home: Path) -> None:
    made = stored(store)
    for path in (home / "artifacts", home / "artifacts" / "daily"):
        with pytest.raises(RequestError, match="inside the artifact store"):
            send(made, path=str(path))


def test_a_link_into_the_artifact_store_is_refused(
    send: Send, store: Store, home: Path, tmp_path: Path
) -> None:
    made = stored(store)
    (tmp_path / "link").symlink_to(home / "artifacts")
    with pytest.raises(RequestError, match="inside the artifact store"):
        send(made, path=f"{tmp_path}/link/x")


@pytest.mark.parametrize("path", ["{{part}}", "{{exprot}}", "{{ 1 + 1 }}"])
def test_a_path_with_a_word_that_a_folder_cannot_have_is_refused(send: Send, store: Store, path: str) -> None:
    with pytest.raises(RequestError, match=r"deliver\.folder: path: .*(unknown word|a template holds words)"):
        send(stored(store), path=path)


def test_a_path_that_begins_with_a_tilde_is_refused(send: Send, store: Store) -> None:
    with pytest.raises(RequestError, match="write the folder out in full"):
        send(stored(store), path="~/backup")


FULL_DISK = """
import sys
from pathlib import Path
from export_pipelines.errors import StoreError
from export_pipelines_tests.delivery.desk import Desk, open_entry
desk = Desk(Path(sys.argv[1]))
try:
    desk.send(desk.store.manifest(sys.argv[2]), {"kind": "folder", "settings": {"path": "backup"}})
except StoreError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_the_old_set_stays(send: Send, store: Store, home: Path) -> None:
    old = stored(store, OTHER)
    folder = Path(send(old, path="backup").target)
    new = stored(
        store, {"leads_part_1.csv": b"x" * 10_000, "leads_part_2.csv": b"x" * 5_000_000}, token=LATER
    )
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(home), new.artifact],
        env=child_environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000)),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "cannot deliver into the folder: File too large (" in done.stdout
    assert contents(folder) == whole(old, OTHER)


def test_a_folder_that_cannot_be_made_is_told(send: Send, store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot make the folder to deliver into: Not a directory"):
        send(stored(store), path=f"{tmp_path}/file/out")


@pytest.mark.parametrize(
    "settings", [{}, {"path": ""}, {"path": "a", "overwrite": "ask"}, {"path": "a", "mode": 1}]
)
def test_settings_that_a_folder_does_not_have_are_refused(desk: Desk, settings: dict[str, Any]) -> None:
    with pytest.raises(
        RequestError, match=r'^deliver\.folder: (the key "path"|path: |overwrite: |unknown key "mode")'
    ):
        open_entry({"kind": "folder", "settings": settings}, desk.resources)


def test_an_unknown_kind_is_refused(desk: Desk) -> None:
    with pytest.raises(RequestError, match='unknown kind of destination "carrier"; allowed: .*folder'):
        open_entry({"kind": "carrier", "settings": {}}, desk.resources)
