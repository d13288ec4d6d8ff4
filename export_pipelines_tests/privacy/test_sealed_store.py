"""A sealed store: nobody's values lie in it, in the program's home or in Dagster's storage, and what was done to it is named.

SEALED_VALUES=100000 in the environment plants so many values instead of 1,000; SEALED_MB=5120 seals a part of so many MB
instead of 24, in the memory of a small one."""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from export_pipelines.artifacts import verify
from export_pipelines.errors import DamagedArtifact
from export_pipelines.project import Project as Opened
from export_pipelines.sample import generate_leads
from export_pipelines_tests.conftest import REPOSITORY, Answer, Project

VALUES = int(os.environ.get("SEALED_VALUES", "1000"))
MB = int(os.environ.get("SEALED_MB", "24"))
DAY = "2024-01-15"
CLEAR = """\
type: lead
format: {format}
compression: {codec}
fields: [lead_id, email, first_name, last_name, phone_1]
partition: daily
start: 2024-01-01
"""
MASKED = CLEAR + "privacy: {{email: mask, first_name: mask, last_name: hash, phone_1: mask}}\n"
CHILD = """\
import resource, sys
from pathlib import Path
from export_pipelines.artifacts.folder.staging import FolderPart
from export_pipelines.artifacts.sealing.stream import OpenedPart, SealingSink
path, size = Path(sys.argv[1]), int(sys.argv[2]) << 20
sink, block = SealingSink(FolderPart(path), bytes(32), b"part"), bytes(1 << 20)
for _ in range(size >> 20):
    sink.write(block)
sink.finish()
def opened(start):
    file = path.open("rb")
    file.seek(start)
    return file
part, read = OpenedPart(opened, path.stat().st_size, bytes(32), b"part", "part"), 0
buffer = bytearray(1 << 20)
while count := part.readinto(buffer):
    read += count
assert read == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.fixture
def planted(project: Project) -> list[str]:
    """The values of the leads of the day, each of which stands in clear in the source alone."""
    leads = max(1, VALUES // 4)
    file = project.folder.parent / "planted.db"
    generate_leads(f"sqlite:///{file}", leads, 7, date(2024, 1, 15), 1)
    values = []
    with closing(sqlite3.connect(file)) as connection:
        ids = [id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY lead_id")]
        for number, id in enumerate(ids):
            row = [
                f"q{number}x@planted.example",
                f"Firstq{number}x",
                f"Lastq{number}x",
                f"512{5550000 + number:07}",
            ]
            connection.execute(
                "UPDATE leads SET email = ?, first_name = ?, last_name = ?, phone_1 = ? WHERE lead_id = ?",
                [*row, id],
            )
            values += row
        connection.commit()
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{file}"
    project.environment["EXPORT_PIPELINES_MASTER_KEY"] = "m" * 32
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = "h" * 32
    return values


def test_nobodys_values_lie_in_home_store_or_dagsters_storage(
    project: Project, terminal: Callable[..., Answer], planted: list[str]
) -> None:
    """Of runs in clear and of masked ones. The search finds them where they are: in what the store gives out."""
    project.write("clear", CLEAR.format(format="ndjson", codec="none"))
    project.write("masked", MASKED.format(format="csv", codec="gzip"))
    for name in ("clear", "masked"):
        assert terminal("run", name, "--partition", DAY).code == 0
    store = Opened.open(project.folder, project.environment).store
    (clear,) = store.manifests("clear")
    with store.open(clear.artifact, clear.parts[0].name) as file:
        given = file.read()
    assert all(value.encode() in given for value in planted)
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert any("artifacts" in path.parts for path in files) and any("dagster" in path.parts for path in files)
    hits = [
        (path.relative_to(project.folder), value)
        for path in files
        for content in (path.read_bytes(),)
        for value in planted
        if value.encode() in content
    ]
    assert hits == []


def test_whatever_is_done_to_what_is_stored_is_named(
    project: Project, terminal: Callable[..., Answer], planted: list[str]
) -> None:
    project.write("daily", CLEAR.format(format="csv", codec="none") + "split: {rows: 100}\n")
    opened = Opened.open(project.folder, project.environment)
    first = opened.run("daily", DAY).manifest
    second = opened.run("daily", DAY).manifest
    folder, older = (project.home / "artifacts" / made.artifact for made in (second, first))
    names, chance = [part.name for part in second.parts], random.Random(7)
    assert len(names) > 1
    for name in names:
        stored = (folder / name).read_bytes()
        place = chance.randrange(len(stored))
        changed = {
            "flip": stored[:place] + bytes([stored[place] ^ 1 << chance.randrange(8)]) + stored[place + 1 :],
            "cut": stored[:place],
            "longer": stored + stored[-16:],
            "swap": (folder / names[names.index(name) - 1]).read_bytes(),
            "older version": (older / name).read_bytes(),
        }
        for what, content in changed.items():
            (folder / name).write_bytes(content)
            assert [fault.partition(":")[0] for fault in verify(opened.store, second.artifact)] == [name], (
                what
            )
            with pytest.raises(DamagedArtifact, match=name), opened.store.open(second.artifact, name) as file:
                file.read()
        (folder / name).write_bytes(stored)
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes((older / "manifest.json").read_bytes())
    assert verify(opened.store, second.artifact) == [
        f"manifest.json: the manifest is that of {first.artifact}"
    ]
    (folder / "manifest.json").write_bytes(manifest)
    assert verify(opened.store, second.artifact) == []


def test_a_large_part_is_sealed_and_opened_in_the_memory_of_a_small_one(tmp_path: Path) -> None:
    def peak_mb(size_mb: int) -> int:
        path = tmp_path / f"{size_mb}.sealed"
        call = [sys.executable, "-c", CHILD, str(path), str(size_mb)]
        done = subprocess.run(
            call,
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": "."},
        )
        path.unlink()
        return int(done.stdout)

    small, large = peak_mb(4), peak_mb(MB)
    assert large <= small + 8, (small, large)
