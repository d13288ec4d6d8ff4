import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.delivery import Receipt
from export_pipelines.errors import DamagedArtifact, RequestError
from export_pipelines_tests.artifacts.build import AT, PARTS, manifest_of, stored
from export_pipelines_tests.delivery.desk import Desk

Send = Callable[..., Receipt]

LATER = "20240117T020000Z-0a1b2c"
OTHER = {"leads_part_1.csv": b"id\n9\n"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def whole(manifest: Manifest, parts: dict[str, bytes] = PARTS) -> dict[str, bytes]:
    return dict(sorted({f"{manifest.export}.manifest.json": manifest.to_json(), **parts}.items()))


def test_all_parts_and_the_manifest_arrive_byte_for_byte(send: Send, store: Store, home: Path) -> None:
    made = stored(store)
    send(made)
    assert contents(home / "delivered/backup/2024-01-15") == whole(made)


def test_the_receipt_says_what_was_put_where(send: Send, store: Store, home: Path) -> None:
    made = stored(store)
    receipt = send(made)
    assert receipt == Receipt(
        kind="folder",
        target=str(home / "delivered/backup/2024-01-15"),
        artifact=made.artifact,
        files=(*PARTS, "daily.manifest.json"),
        bytes=made.bytes,
        sha256=hashlib.sha256(made.to_json()).hexdigest(),
        at=AT,
        digests={
            **{part.name: part.sha256 for part in made.parts},
            "daily.manifest.json": hashlib.sha256(made.to_json()).hexdigest(),
        },
    )


def test_an_absolute_path_is_taken_as_it_is(send: Send, store: Store, tmp_path: Path) -> None:
    made = stored(store)
    send(made, path=f"{tmp_path}/out/{{{{export}}}}/{{{{year}}}}/{{{{month}}}}/{{{{run}}}}")
    assert contents(tmp_path / "out/daily/2024/01/20240116T020000Z-0a1b2c") == whole(made)


@pytest.mark.parametrize("overwrite", ["replace", "never", "version"])
def test_delivering_twice_is_delivering_once(send: Send, store: Store, home: Path, overwrite: str) -> None:
    made = stored(store)
    first = send(made, overwrite=overwrite)
    folder = home / "delivered/backup/2024-01-15"
    inodes = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert send(made, overwrite=overwrite, again=True) == first
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == inodes
    assert [path.name for path in folder.parent.iterdir()] == ["2024-01-15"]


def test_a_delivered_part_that_was_changed_there_is_somebody_elses(send: Send, store: Store) -> None:
    made = stored(store)
    folder = Path(send(made).target)
    (folder / "leads_part_1.csv").write_bytes(b"x")
    with pytest.raises(RequestError, match=r"leads_part_1\.csv stands there and is not, or no longer, what"):
        send(made, again=True)
    assert contents(folder)["leads_part_1.csv"] == b"x"
    (folder / "leads_part_1.csv").unlink()
    send(made, again=True)
    assert contents(folder) == whole(made)


@pytest.mark.parametrize("name", ["leads_part_1.csv", "daily.manifest.json"])
def test_replace_refuses_what_was_not_delivered_and_changes_nothing(
    send: Send, store: Store, home: Path, name: str
) -> None:
    folder = home / "delivered/backup/2024-01-15"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"theirs")
    with pytest.raises(RequestError, match=rf"{name} stands there.*overwrite: version.*deliver ARTIFACT"):
        send(stored(store))
    assert contents(folder) == {name: b"theirs"}


def test_a_manifest_that_nobody_here_delivered_removes_nothing(send: Send, store: Store) -> None:
    """It names a file of somebody else's, as one that the set before had and this one has not."""
    folder = Path(send(stored(store)).target)
    theirs = manifest_of({"accounts.xlsx": b"theirs"}).with_digest()
    (folder / "accounts.xlsx").write_bytes(b"theirs")
    (folder / "daily.manifest.json").write_bytes(theirs.to_json())
    with pytest.raises(RequestError, match=r"daily\.manifest\.json stands there"):
        send(stored(store, OTHER, token=LATER))
    assert (folder / "accounts.xlsx").read_bytes() == b"theirs"
    assert (folder / "leads_part_2.csv").read_bytes() == PARTS["leads_part_2.csv"]


def test_a_file_of_the_set_before_that_was_changed_stays(send: Send, store: Store) -> None:
    folder = Path(send(stored(store)).target)
    (folder / "leads_part_2.csv").write_bytes(b"corrected by hand")
    new = stored(store, OTHER, token=LATER)
    send(new)
    assert contents(folder) == {**whole(new, OTHER), "leads_part_2.csv": b"corrected by hand"}


def test_another_ledgers_set_is_not_replaced(send: Send, store: Store, tmp_path: Path) -> None:
    folder = Path(send(stored(store), path=f"{tmp_path}/out").target)
    other = Desk(tmp_path / "other")
    entry = {"kind": "folder", "settings": {"path": f"{tmp_path}/out"}}
    with pytest.raises(RequestError, match="stands there"):
        other.send(stored(other.store, OTHER), entry)
    assert contents(folder)["leads_part_1.csv"] == PARTS["leads_part_1.csv"]


def test_a_new_set_replaces_the_old_one_and_its_surplus_parts(send: Send, store: Store) -> None:
    folder = Path(send(stored(store)).target)
    (folder / "readme.txt").write_text("of the reader")
    new = stored(store, OTHER, token=LATER)
    send(new)
    assert contents(folder) == {**whole(new, OTHER), "readme.txt": b"of the reader"}


def test_never_refuses_another_set_and_changes_nothing(send: Send, store: Store) -> None:
    made = stored(store)
    folder = Path(send(made, overwrite="never").target)
    with pytest.raises(RequestError, match=r"already there.*overwrite: replace"):
        send(stored(store, OTHER, token=LATER), overwrite="never")
    assert contents(folder) == whole(made)


def test_never_refuses_a_file_that_nobody_delivered(send: Send, store: Store, home: Path) -> None:
    folder = home / "delivered/backup/2024-01-15"
    folder.mkdir(parents=True)
    (folder / "leads_part_2.csv").write_text("mine")
    with pytest.raises(RequestError, match=r"leads_part_2\.csv is already there"):
        send(stored(store), overwrite="never")
    assert contents(folder) == {"leads_part_2.csv": b"mine"}


def test_version_puts_every_new_set_beside_the_old_ones(send: Send, store: Store) -> None:
    sets = [stored(store, {"a.csv": bytes([65 + n])}, token=f"2024011{n}T020000Z-0a1b2c") for n in range(3)]
    targets = [Path(send(one, overwrite="version").target) for one in sets]
    assert [target.name for target in targets] == ["2024-01-15", "2024-01-15_v2", "2024-01-15_v3"]
    for n, (one, target) in enumerate(zip(sets, targets, strict=True)):
        assert contents(target) == whole(one, {"a.csv": bytes([65 + n])})


def test_a_file_of_another_export_is_not_replaced(send: Send, store: Store) -> None:
    made = stored(store)
    folder = Path(send(made).target)
    with pytest.raises(
        RequestError, match=r"leads_part_1\.csv there belongs to export daily.*\{\{export\}\}"
    ):
        send(stored(store, OTHER, export="weekly"))
    assert contents(folder) == whole(made)


def test_two_exports_share_a_folder_when_their_files_differ(send: Send, store: Store) -> None:
    one = stored(store)
    two = stored(store, {"other.csv": b"x"}, export="weekly")
    folder = Path(send(one).target)
    send(two)
    assert contents(folder) == dict(sorted({**whole(one), **whole(two, {"other.csv": b"x"})}.items()))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut"),
        pytest.param(lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]), id="changed"),
        pytest.param(lambda path: path.unlink(), id="lost"),
    ],
)
def test_a_damaged_artifact_is_not_delivered_and_the_old_set_stays(
    send: Send, store: Store, home: Path, damage: Callable[[Path], object]
) -> None:
    old = stored(store, OTHER)
    folder = Path(send(old).target)
    made = stored(store, token=LATER)
    damage(home / "artifacts" / made.artifact / "leads_part_2.csv")
    with pytest.raises(DamagedArtifact, match=r"leads_part_2\.csv"):
        send(made)
    assert contents(folder) == whole(old, OTHER)


def test_a_damaged_artifact_leaves_no_folder_behind(send: Send, store: Store, home: Path) -> None:
    made = stored(store)
    (home / "artifacts" / made.artifact / "leads_part_2.csv").unlink()
    with pytest.raises(DamagedArtifact, match="missing"):
        send(made)
    assert not (home / "delivered").exists()


class Killed(BaseException):
    """Stands for kill -9: raised at a step of the exchange, and nothing may tidy up after it."""


@pytest.mark.parametrize("step", range(1, 8))
def test_killed_at_any_step_of_the_exchange_the_next_delivery_makes_it_whole(
    send: Send, store: Store, home: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old, new = stored(store), stored(store, {**OTHER, "leads_part_9.csv": b"9"}, token=LATER)
    folder = Path(send(old).target)
    left = [step]

    def counted(action: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return action(*arguments, **options)

        return call

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr("export_pipelines.delivery.folder.file_set.sync_folder", counted(lambda folder: None))
        send(new)
    seen = folder / "daily.manifest.json"
    shown = next((one for one in (old, new) if seen.exists() and seen.read_bytes() == one.to_json()), None)
    assert shown is (old if step == 1 else new if step == 7 else None)
    parts = PARTS if shown is old else {**OTHER, "leads_part_9.csv": b"9"}
    assert shown is None or all(contents(folder)[name] == parts[name] for name in parts)
    send(new)
    assert contents(folder) == whole(new, {**OTHER, "leads_part_9.csv": b"9"})


def test_temporary_files_of_a_killed_delivery_are_swept(send: Send, store: Store, home: Path) -> None:
    folder = home / "delivered/backup/2024-01-15"
    folder.mkdir(parents=True)
    (folder / ".export_pipelines-leads_part_1.csv.tmp").write_text("half")
    (folder / ".export_pipelines-leads_part_7.csv.tmp").write_text("half")
    (folder / ".export_pipelines-lock").touch()
    made = stored(store)
    send(made, overwrite="never")
    assert contents(folder) == whole(made)


def test_parts_left_by_a_killed_delivery_do_not_hinder_never(send: Send, store: Store, home: Path) -> None:
    folder = home / "delivered/backup/2024-01-15"
    folder.mkdir(parents=True)
    (folder / "leads_part_1.csv").write_bytes(PARTS["leads_part_1.csv"])
    made = stored(store)
    send(made, overwrite="never")
    assert contents(folder) == whole(made)
