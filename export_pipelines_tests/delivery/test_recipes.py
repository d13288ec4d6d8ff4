"""The recipes that an export delivers beside its files: on each destination's real server, under the names that arrive."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery.removal import Removing
from export_pipelines.errors import RequestError
from export_pipelines.recipes import readers
from export_pipelines_servers import age
from export_pipelines_servers.receivers import FolderReceiver, Receiver, S3Receiver
from export_pipelines_tests.artifacts.build import AT, manifest_of, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry, placing_of

PANDAS, POSTGRESQL = "daily_2024-01-15.recipe.pandas.py", "daily_2024-01-15.recipe.postgresql.sql"
MANIFEST = "daily.manifest.json"
LATER = "20240117T020000Z-0a1b2c"
ROWS = {"leads_part_1.csv": b"id\n1\n\xc3\xa9\n", "leads_part_2.csv": b"id\n007\n"}


def asked(
    desk: Desk, parts: dict[str, bytes] = ROWS, recipes: tuple[str, ...] = ("pandas", "postgresql"), **of: Any
) -> Manifest:
    """A stored artifact whose export asks for recipes; `of` are arguments of `manifest_of`."""
    manifest = manifest_of(parts, recipes=recipes, **of)
    counted = tuple(part.model_copy(update={"rows": part.rows - 1}) for part in manifest.parts)
    changes = {"parts": counted, "rows": sum(part.rows for part in counted)}
    with desk.store.begin(*manifest.artifact.split("/")) as staging:
        for name, data in parts.items():
            file = staging.open_part(name)
            file.write(data)
            file.finish()
        return staging.commit(manifest.model_copy(update=changes).with_digest())


def rows_by(recipe: bytes, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the recipe of pandas loads in the folder `place`."""
    monkeypatch.chdir(place)
    variables: dict[str, Any] = {}
    exec(compile(recipe, PANDAS, "exec"), variables)
    return list(variables["frame"]["id"])


def test_recipes_arrive_beside_the_files_and_load_them(
    desk: Desk, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = receiver.entry()
    receipt = desk.send(asked(desk), entry)
    suffix = ".txt" if entry["kind"] == "email" else ""
    names = [*ROWS, PANDAS + suffix, POSTGRESQL + suffix]
    arrived = receiver.arrived()
    assert list(receipt.files)[:4] == names
    if entry["kind"] == "download":  # the service gives them, see service/test_recipes.py
        return
    assert set(arrived) == {*names, MANIFEST}
    assert receipt.bytes == sum(len(arrived[name]) for name in names)
    listed = json.loads(arrived[MANIFEST])["recipe_files"]
    assert [(file["name"], file["bytes"]) for file in listed] == [
        (name, len(arrived[name])) for name in names[2:]
    ]
    assert f"Save it as {PANDAS}, and run it".encode() in arrived[names[2]]  # mails need another name
    loaded = tmp_path / "loaded"
    loaded.mkdir()
    for name in ROWS:
        (loaded / name).write_bytes(arrived[name])
    assert rows_by(arrived[names[2]], loaded, monkeypatch) == ["1", "é", "007"]
    assert receiver.debris() == []


def test_what_arrived_is_not_sent_twice_and_again_gives_the_same_bytes(
    desk: Desk, receiver: Receiver
) -> None:
    made, entry = asked(desk), receiver.entry()
    first, arrived = desk.send(made, entry), receiver.arrived()
    assert desk.send(made, entry) == first
    again = desk.send(made, entry, again=True)
    assert (again.files, again.bytes, again.sha256) == (first.files, first.bytes, first.sha256)
    assert receiver.arrived() == arrived


def test_a_recipe_that_is_asked_for_later_is_delivered(desk: Desk, folder: FolderReceiver) -> None:
    desk.send(stored(desk.store, ROWS), folder.entry())
    desk.send(asked(desk, token=LATER, at=AT + timedelta(days=1)), folder.entry())
    assert set(folder.arrived()) == {*ROWS, PANDAS, POSTGRESQL, MANIFEST}


def test_a_recipe_that_is_no_longer_asked_for_goes_and_those_of_others_stay(
    desk: Desk, folder: FolderReceiver
) -> None:
    desk.send(asked(desk, {"other.csv": b"id\n1\n"}, export="other"), folder.entry())
    desk.send(asked(desk), folder.entry())
    theirs = {name for name in folder.arrived() if name.startswith("other")}
    assert len(theirs) == 4
    desk.send(asked(desk, recipes=("pandas",), token=LATER, at=AT + timedelta(days=1)), folder.entry())
    assert set(folder.arrived()) == {*ROWS, PANDAS, MANIFEST, *theirs}


def test_a_later_attempt_sends_the_recipes_of_the_first_whatever_the_release_writes_now(
    desk: Desk, folder: FolderReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, place = asked(desk), folder.folder / "in"
    place.mkdir(parents=True)
    (place / "leads_part_1.csv").write_bytes(b"of somebody else")
    with pytest.raises(RequestError, match="leads_part_1"):
        desk.send(made, folder.entry())
    (place / "leads_part_1.csv").unlink()
    renamed = replace(readers.READERS["pandas"], title="pandas of a later release")
    monkeypatch.setitem(readers.READERS, "pandas", renamed)
    desk.send(made, folder.entry())
    assert b"later release" not in folder.arrived()[PANDAS]
    desk.send(made, folder.entry(), again=True)
    assert b"later release" in folder.arrived()[PANDAS]


def test_a_recipe_names_the_objects_as_their_key_does(
    desk: Desk, open_receiver: Callable[[str], Any]
) -> None:
    bucket = open_receiver("s3")
    assert isinstance(bucket, S3Receiver)
    desk.send(asked(desk), bucket.entry(key="in/{{date}}_{{part}}.{{ext}}"))
    arrived = bucket.arrived()
    assert set(arrived) == {"2024-01-15_1.csv", "2024-01-15_2.csv", PANDAS, POSTGRESQL, MANIFEST}
    assert b"FILES = ['2024-01-15_1.csv', '2024-01-15_2.csv']" in arrived[PANDAS]
    assert b"leads_part" not in arrived[PANDAS]
    head = bucket.bucket.client.head_object(Bucket=bucket.bucket.name, Key=f"in/{PANDAS}")
    assert head["ContentType"] == "text/plain"


def test_encrypted_recipes_are_of_the_files_once_they_are_opened(
    desk: Desk, folder: FolderReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = tmp_path / "identity"
    recipient = age.new_identity(identity)
    made = asked(desk)
    receipt = desk.send(made, folder.entry(encrypt={"age": [recipient]}))
    assert receipt.details["plain manifest sha256"] == hashlib.sha256(made.to_json()).hexdigest()
    assert set(receipt.files) == {*(f"{name}.age" for name in (*ROWS, PANDAS, POSTGRESQL)), MANIFEST}
    opened = tmp_path / "opened"
    opened.mkdir()
    for name, data in folder.arrived().items():
        if name.endswith(".age"):
            (opened / name.removesuffix(".age")).write_bytes(age.opened(identity, data))
    assert rows_by((opened / PANDAS).read_bytes(), opened, monkeypatch) == ["1", "é", "007"]
    assert b"sum" not in folder.arrived()[MANIFEST] and b"statistics" not in folder.arrived()[MANIFEST]


def test_recipes_are_taken_back_with_the_files(desk: Desk, folder: FolderReceiver) -> None:
    made = asked(desk)
    receipt = desk.send(made, folder.entry())
    destination = open_entry(folder.entry(), desk.resources)
    assert isinstance(destination, Removing)
    removal = destination.remove(placing_of(receipt, made))
    assert (set(removal.removed), removal.left) == ({*ROWS, PANDAS, POSTGRESQL, MANIFEST}, {})
    assert folder.arrived() == {}
