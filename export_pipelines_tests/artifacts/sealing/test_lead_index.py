"""The index of leads beside the parts: what is in it is found, nothing else is, and it goes wherever the parts go."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from export_pipelines.artifacts import lead_index, verify
from export_pipelines.artifacts.lead_index import (
    INDEX_NAME,
    LeadIndexWriter,
    holds_mark,
    mark_of,
)
from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.artifacts.sealing.stream import SEGMENT_BYTES
from export_pipelines.erasure.lead_search import holds_lead, lead_mark, search, why_unknown
from export_pipelines.errors import DamagedArtifact
from export_pipelines.frames.lead_index import lacks_index
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.run.lead_marks import lead_marks
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, manifest_of, stored
from export_pipelines_tests.artifacts.memory import Memory
from export_pipelines_tests.artifacts.sealing.test_store import ARTIFACT, folder, keys, store  # noqa: F401

KEY = b"k" * 32
INDEX_OF_SEGMENTS = 300_000  # leads whose marks take three
LEADS = int(os.environ.get("INDEXED", "3000"))


def written(ids: list[str], batch: int = 700) -> bytes:
    memory = Memory()
    writer = LeadIndexWriter(KEY, memory)
    for start in range(0, len(ids), batch):
        writer.add(lead_marks(KEY, pa.array(ids[start : start + batch])))
    writer.finish()
    assert writer.bytes == len(memory.data) and memory.is_finished
    return memory.data


def finds(data: bytes, mark: int) -> bool | None:
    return holds_mark(io.BytesIO(data), len(data), mark, "daily")


def test_marks_of_many_are_the_marks_of_each() -> None:
    ids = ["65a46c800000000000000001", "", "é", "x" * 300]
    assert lead_marks(KEY, pa.array([*ids, None])).tolist() == [mark_of(KEY, id) for id in ids]
    assert lead_marks(KEY, pa.array([], pa.string())).tolist() == []
    slices = pa.array([*ids, None]).slice(1), pa.array(ids, pa.large_string()).slice(1, 2)
    assert [lead_marks(KEY, texts).tolist() for texts in slices] == [
        [mark_of(KEY, id) for id in texts] for texts in (ids[1:], ids[1:3])
    ]


@pytest.mark.parametrize("run", [1, 64, 1 << 20])
def test_every_lead_is_found_and_no_other(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    monkeypatch.setattr(lead_index, "RUN_MARKS", run)
    ids = [f"{number:024x}" for number in range(LEADS)]
    data = written(ids)
    step = max(1, LEADS // 1000)
    assert all(finds(data, mark_of(KEY, id)) for id in ids[::step])
    assert not any(finds(data, mark_of(KEY, f"{number:024x}")) for number in range(-1000, 0))
    assert not any(finds(data, mark) for mark in (0, 2**64 - 1))


def test_the_first_and_the_last_mark_are_found() -> None:
    memory = Memory()
    writer = LeadIndexWriter(KEY, memory)
    marks = [0, 1, 2**63, 2**64 - 1]
    writer.add(np.array(marks, np.uint64))
    writer.finish()
    assert [finds(memory.data, mark) for mark in (*marks, 2, 2**64 - 2)] == [True] * 4 + [False] * 2


def test_an_index_that_was_cut_is_not_believed() -> None:
    data = written(["a", "b"])
    with pytest.raises(DamagedArtifact, match="cannot be read"):
        finds(data[:-1], 1)
    with pytest.raises(DamagedArtifact, match="cannot be read"):
        finds(b"something", 1)


def indexed(store: SealedStore, ids: list[str], token: str = TOKEN) -> None:  # noqa: F811
    manifest = manifest_of(token=token)
    with store.begin(*manifest.artifact.split("/")) as staging:
        index = staging.lead_index()
        assert index is not None
        for name, data in PARTS.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        index.add(lead_marks(index.key, pa.array(ids)))
        staging.commit(manifest)


def test_an_artifact_knows_its_leads_and_shows_nobody(store: SealedStore, folder: Path) -> None:  # noqa: F811
    indexed(store, ["a", "b"])
    manifest = store.manifest(ARTIFACT)
    assert holds_lead(manifest, store, lead_mark(store, "a")) is True
    assert holds_lead(manifest, store, lead_mark(store, "c")) is False
    marks = [lead_mark(store, id).to_bytes(8) for id in ("a", "b")]
    files = [path.read_bytes() for path in (folder / ARTIFACT).iterdir()]
    assert len(files) == len(PARTS) + 2
    assert not any(mark in data for mark in marks for data in files)
    assert "lead_index" not in manifest.as_delivered().to_json().decode()


def test_the_index_is_swept_with_nothing_and_verified_with_the_parts(
    store: SealedStore,  # noqa: F811
    folder: Path,  # noqa: F811
) -> None:
    indexed(store, ["a"])
    assert store.sweep() == []
    assert verify(store, ARTIFACT) == []
    (folder / ARTIFACT / INDEX_NAME).write_bytes(b"x")
    assert [fault.partition(":")[0] for fault in verify(store, ARTIFACT)] == [INDEX_NAME]


def test_artifacts_without_an_index_are_told(store: SealedStore) -> None:  # noqa: F811
    indexed(store, ["a"])
    stored(store, token="20240117T020000Z-0a1b2d")
    stored(store, export="report", token="20240117T020000Z-0a1b2e")
    found = search(store, lead_mark(store, "a"))
    assert [manifest.artifact for manifest in found.holding] == [ARTIFACT]
    assert len(found.unknown) == 2


def test_what_opens_no_more_holds_nobody(store: SealedStore) -> None:  # noqa: F811
    indexed(store, ["a"])
    mark = lead_mark(store, "a")
    store.keys.destroy([ARTIFACT], store.now())
    assert search(store, mark).holding == ()


def test_with_another_ledger_nobody_knows_what_a_sealed_artifact_holds(
    store: SealedStore,  # noqa: F811
    tmp_path: Path,
) -> None:
    indexed(store, ["a"])
    other = open_ledger(f"sqlite:///{tmp_path / 'other.db'}")
    strange = replace(store, keys=LedgerKeys(lambda: other.engine))
    matches = search(strange, lead_mark(strange, "a"))
    assert [manifest.artifact for manifest in matches.unknown] == [ARTIFACT] and matches.holding == ()
    assert "not in this ledger" in why_unknown(matches.unknown[0], strange)


@pytest.mark.parametrize("damage", ["lost", "cut", "changed"])
def test_an_index_that_is_damaged_leaves_its_artifact_unknown(
    store: SealedStore,  # noqa: F811
    folder: Path,  # noqa: F811
    damage: str,
) -> None:
    indexed(store, [str(number) for number in range(INDEX_OF_SEGMENTS)])
    file = folder / ARTIFACT / INDEX_NAME
    sealed = bytearray(file.read_bytes())
    assert len(sealed) > 2 * SEGMENT_BYTES
    sealed[SEGMENT_BYTES * 3 // 2] ^= 1
    if damage == "lost":
        file.unlink()
    else:
        file.write_bytes(sealed if damage == "changed" else sealed[:-1])
    manifest = store.manifest(ARTIFACT)
    answers = {
        holds_lead(manifest, store, lead_mark(store, str(number)))
        for number in range(0, INDEX_OF_SEGMENTS, 20_000)
    }
    assert answers == ({True, None} if damage == "changed" else {None})
    assert lacks_index(manifest, store)
