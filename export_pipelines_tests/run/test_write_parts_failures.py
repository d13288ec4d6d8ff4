"""A run that fails: the error that stopped it is raised, nothing unfinished is kept, nothing goes on running.

CELLS=all in the environment has each failure in each format cut in each way, not in one of them in turn."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pyarrow as pa
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError, LimitReached, SettingsError
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Mask, Plan
from export_pipelines.run.observer import Batch, Deaf
from export_pipelines.run.write_parts import write_parts
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.encode.readers import READERS
from export_pipelines_tests.encode.tables import MemorySink, MemoryStore, Row, batches_of, column, plan_of
from export_pipelines_tests.run.at_work import at_work

COLUMNS = [column("id", Kind.INTEGER), column("name")]
ROWS: list[Row] = [(i, f"name {i}") for i in range(40)]
HASHED = [COLUMNS[0], COLUMNS[1].model_copy(update={"mask": Mask.HASH})]
FORMS = list(READERS)


@dataclass
class Source:
    """Batches that remember which threads took and closed them; `error` comes after the last."""

    batches: list[pa.RecordBatch]
    error: BaseException | None = None
    threads: list[str] = field(default_factory=list)
    closed: int = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self.batches:
                self.threads.append(threading.current_thread().name)
                yield batch
            if self.error:
                raise self.error
        finally:
            self.threads.append(threading.current_thread().name)
            self.closed += 1


@dataclass
class BrokenSink(MemorySink):
    """Cannot finish, and perhaps cannot be removed either."""

    removable: bool = True

    def finish(self) -> None:
        raise OSError("the disk went away")

    def abort(self) -> None:
        if not self.removable:
            raise OSError("read-only file system")
        super().abort()


def good() -> Source:
    return Source(list(batches_of(COLUMNS, ROWS, 1)))


def with_text_for_a_number() -> Source:
    bad = pa.RecordBatch.from_arrays([pa.array(["many"]), pa.array(["x"])], names=["id", "name"])
    return Source([*batches_of(COLUMNS, ROWS, 1), bad, *batches_of(COLUMNS, ROWS, 1)])


def broken() -> Source:
    return Source(list(batches_of(COLUMNS, ROWS, 1)), ConnectionError("the database went away"))


class Leaving(Deaf):
    """A person who interrupts the run at the 20th batch, if `leaves`."""

    def __init__(self, leaves: bool) -> None:
        self.leaves, self.batches = leaves, 0

    def batch_done(self, batch: Batch) -> None:
        self.batches += batch.stage == "mask"
        if self.leaves and self.batches == 20:
            raise KeyboardInterrupt("enough")


@dataclass(frozen=True)
class Failure:
    error: type[BaseException]
    says: str
    source: Callable[[], Source] = good
    plan: Plan = field(default_factory=lambda: plan_of(COLUMNS))
    store: Callable[[], MemoryStore] = MemoryStore
    interrupted: bool = False

    def run(self) -> tuple[BaseException, Source, MemoryStore]:
        source, store = self.source(), self.store()
        with pytest.raises(self.error, match=self.says) as caught:
            write_parts(self.plan, source, store.open_part, Keys(), Leaving(self.interrupted))
        return caught.value, source, store


FAILURES = {
    "source": Failure(ConnectionError, "the database went away", broken),
    "types": Failure(DataError, "a stored value is not", with_text_for_a_number),
    "masks": Failure(SettingsError, "HASH_KEY", plan=plan_of(HASHED)),
    "store": Failure(OSError, "no space left on device", store=lambda: MemoryStore(fail_at=50)),
    "store at once": Failure(OSError, "no space left on device", store=lambda: MemoryStore(fail_at=0)),
    "rows": Failure(
        LimitReached,
        "the limit is 30; the run was stopped and nothing was kept",
        plan=plan_of(COLUMNS, max_rows=30),
    ),
    "bytes": Failure(LimitReached, "more than 300 bytes", plan=plan_of(COLUMNS, max_bytes=300)),
    "person": Failure(KeyboardInterrupt, "enough", interrupted=True),
}
LIMITS: dict[str, dict[str, Any]] = {
    "one part": {},
    "by rows": {"part_rows": 7},
    "by bytes": {"part_bytes": 150},
}
every_failure = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)


@pytest.mark.parametrize(("form", "name", "cut"), in_turn(product(FORMS, FAILURES), *LIMITS))
def test_what_stopped_the_run_is_raised_whatever_is_written(form: str, name: str, cut: str) -> None:
    failure, limits = FAILURES[name], LIMITS[cut]
    fails_in = failure.plan.output.model_dump(include={"max_rows", "max_bytes"})
    plan = plan_of(failure.plan.masking.columns, form, **fails_in, **limits)
    Failure(failure.error, failure.says, failure.source, plan, failure.store, failure.interrupted).run()


@every_failure
def test_no_unfinished_part_is_left(failure: Failure) -> None:
    assert failure.run()[2].states <= {"aborted"}


@pytest.mark.parametrize("name", ["source", "types", "store", "rows", "bytes", "person"])
def test_the_part_that_was_begun_is_aborted(name: str) -> None:
    assert FAILURES[name].run()[2].states == {"aborted"}


@every_failure
def test_no_thread_is_left(failure: Failure) -> None:
    failure.run()
    assert at_work() == []


@every_failure
def test_the_source_is_closed_once(failure: Failure) -> None:
    assert failure.run()[1].closed == 1


@every_failure
def test_the_source_is_read_and_closed_in_one_thread(failure: Failure) -> None:
    assert len(set(failure.run()[1].threads)) == 1


def test_a_source_that_was_read_to_its_end_is_closed_in_its_thread() -> None:
    source = good()
    write_parts(plan_of(COLUMNS), source, MemoryStore().open_part, Keys())
    assert (source.closed, len(set(source.threads))) == (1, 1)


def test_parts_that_were_finished_before_stay_as_they_are() -> None:
    plan = plan_of(COLUMNS, part_rows=10)
    store = Failure(ConnectionError, "went away", broken, plan).run()[2]
    whole = MemoryStore()
    write_parts(plan, good(), whole.open_part, Keys())
    assert "part_1.csv" in store.parts
    assert store.parts.items() <= whole.parts.items()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("limit", "word"), [("max_rows", "rows"), ("max_bytes", "bytes")])
def test_exactly_the_limit_is_allowed_and_one_more_is_not(form: str, limit: str, word: str) -> None:
    result = write_parts(plan_of(COLUMNS, form), good(), MemoryStore().open_part, Keys())
    most = {"max_rows": result.rows, "max_bytes": result.raw_bytes}[limit]
    exact, less = (dict[str, Any]({limit: number}) for number in (most, most - 1))
    write_parts(plan_of(COLUMNS, form, **exact), good(), MemoryStore().open_part, Keys())
    Failure(LimitReached, word, plan=plan_of(COLUMNS, form, **less)).run()


def test_a_limit_that_was_reached_names_the_export_and_what_to_change() -> None:
    error = FAILURES["rows"].run()[0]
    assert isinstance(error, LimitReached)
    assert (error.where, "limits: {rows: ...}" in str(error)) == ("table", True)


def test_a_store_that_opens_no_part_stops_the_run() -> None:
    def refuse(name: str) -> MemorySink:
        raise PermissionError(f"{name} cannot be written")

    with pytest.raises(PermissionError, match="part_1.csv cannot be written"):
        write_parts(plan_of(COLUMNS), good(), refuse, Keys())


def test_a_part_that_cannot_be_finished_is_aborted() -> None:
    sink = BrokenSink()
    with pytest.raises(OSError, match="the disk went away"):
        write_parts(plan_of(COLUMNS), good(), lambda name: sink, Keys())
    assert sink.state == "aborted"


def test_a_part_that_cannot_be_removed_does_not_hide_what_stopped_the_run() -> None:
    with pytest.raises(OSError, match="the disk went away") as caught:
        write_parts(plan_of(COLUMNS), good(), lambda name: BrokenSink(removable=False), Keys())
    assert caught.value.__notes__ == ["and the unfinished part could not be removed: read-only file system"]
