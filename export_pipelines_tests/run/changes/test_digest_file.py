import io
import random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from export_pipelines.errors import DamagedArtifact, DataError
from export_pipelines.mask.keys import Keys
from export_pipelines.run.changes import digest_file, row_digests
from export_pipelines.run.changes.base_set import BaseSet
from export_pipelines.run.changes.digest_file import DigestFileWriter
from export_pipelines.run.changes.row_digests import RowDigests
from export_pipelines_tests.artifacts.memory import Memory

KEYS = Keys.from_bytes(hash_key=b"k" * 32)
DIGESTS = RowDigests("id", KEYS)


def frame(rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": list(rows), "value": list(rows.values())}, schema={"id": pl.String, "value": pl.String}
    )


def file_of(*frames: pl.DataFrame) -> tuple[bytes, DigestFileWriter]:
    memory = Memory()
    with DigestFileWriter(memory, "id") as writer:
        for each in frames:
            writer.add(DIGESTS.of(each))
        writer.finish()
    assert memory.is_finished and writer.bytes == len(memory.data)
    return memory.data, writer


def base(data: bytes, writer: DigestFileWriter) -> BaseSet:
    return BaseSet(io.BytesIO(data), writer.bytes, writer.sha256)


def found(rows: BaseSet, wanted: dict[str, Any]) -> dict[str, str]:
    answer = rows.find(DIGESTS.of(frame(wanted)))
    words = {(True, True): "same", (True, False): "changed", (False, False): "new"}
    pairs = zip(answer.known.tolist(), answer.same.tolist(), strict=True)
    return dict(zip(wanted, (words[pair] for pair in pairs), strict=True))


def gone(rows: BaseSet) -> set[str]:
    return {key for keys in rows.gone() for key in keys.to_pylist()}


@pytest.mark.parametrize("size", [0, 1, 7, 100, 1000])
@pytest.mark.parametrize("batch_rows", [1 << 17, 64])
def test_every_row_is_found_as_it_is(size: int, batch_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_file, "BATCH_ROWS", batch_rows)
    before = {f"id {number}": f"value {number}" for number in range(size)}
    ids = list(before)
    frames = [frame({id: before[id] for id in ids[start : start + 30]}) for start in range(0, size, 30)]
    with base(*file_of(*frames)) as rows:
        assert rows.rows == size
        now = {id: value if number % 3 else "other" for number, (id, value) in enumerate(before.items())}
        kept = {id: now[id] for id in random.Random(1).sample(ids, size // 2)} | {"new": "x"}
        expected = {
            id: "new" if id == "new" else "same" if kept[id] == before[id] else "changed" for id in kept
        }
        assert found(rows, kept) == expected
        assert gone(rows) == set(before) - set(kept)


def test_the_file_is_the_same_however_rows_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_file, "BATCH_ROWS", 50)
    rows = [(f"{number}", "x") for number in range(500)]
    one, _ = file_of(frame(dict(rows)))
    random.Random(2).shuffle(rows)
    many, _ = file_of(*(frame(dict(rows[start : start + 7])) for start in range(0, 500, 7)))
    assert one == many or pa.ipc.open_file(one).read_all() == pa.ipc.open_file(many).read_all()


def test_keys_with_one_mark_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    digested = row_digests._digested

    def few_marks(key: bytes, texts: Any) -> Any:
        high, low = digested(key, texts)
        return (high % 3, low) if key == DIGESTS._of_keys else (high, low)

    monkeypatch.setattr(row_digests, "_digested", few_marks)
    before = {f"{number}": "x" for number in range(50)}
    with base(*file_of(frame(before))) as rows:
        wanted = {f"{number}": "x" if number % 2 else "y" for number in range(25, 75)}
        assert found(rows, wanted) == {
            id: "new" if int(id) >= 50 else "same" if int(id) % 2 else "changed" for id in wanted
        }
        assert gone(rows) == {f"{number}" for number in range(25)}
    with pytest.raises(DataError, match="two rows have the same id"):
        file_of(frame(before), frame({"7": "z"}))


@pytest.mark.parametrize("batch_rows", [1 << 17, 64])
def test_two_rows_with_one_key_are_an_error(batch_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_file, "BATCH_ROWS", batch_rows)
    with pytest.raises(DataError, match="two rows have the same id") as caught:
        file_of(frame({f"{number}": "x" for number in range(300)}), frame({"5": "y"}))
    assert caught.value.where == "id 5"


def test_a_row_without_a_key_is_an_error() -> None:
    with pytest.raises(DataError, match="1 rows have no id"):
        DIGESTS.of(pl.DataFrame({"id": ["a", None], "value": ["x", "y"]}))


def test_another_file_than_the_manifest_says_is_refused() -> None:
    data, writer = file_of(frame({"a": "b"}))
    with pytest.raises(DamagedArtifact):
        BaseSet(io.BytesIO(data[:-1]), writer.bytes, writer.sha256)


def test_the_file_holds_ids_and_nothing_else_that_can_be_read() -> None:
    data, _ = file_of(frame({"id-7": "somebody@example.com"}))
    assert b"id-7" in data and b"somebody" not in data and b"example" not in data


VALUES = ["", None, "a", "\x1d", "\x1e", "\x1f", "\x1d0", "\x1d2", "a\x1eb", "null", "b\x1f", "\x1d\x1d"]


def test_no_two_different_rows_have_one_digest() -> None:
    rows = [(first, second) for first in VALUES for second in VALUES]
    names = {"id": [f"{number}" for number in range(len(rows))]}
    whole = pl.DataFrame(names | {"a": [row[0] for row in rows], "b": [row[1] for row in rows]})
    texts = row_digests._texts(whole.drop("id"))
    assert len(texts.unique()) == len(rows)
    alone = [row_digests._texts(whole[number : number + 1].drop("id")) for number in range(len(rows))]
    assert pa.concat_arrays(alone) == texts


def test_a_digest_depends_on_the_key_alone_and_on_no_run() -> None:
    rows = frame({"a": "b"})
    other = RowDigests("id", Keys.from_bytes(hash_key=b"o" * 32))
    assert DIGESTS.of(rows) == RowDigests("id", KEYS).of(rows) != other.of(rows)
