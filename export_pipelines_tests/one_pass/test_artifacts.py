"""Windows written from one pass are what they are when each runs alone: the same bytes, the same manifests."""

from itertools import product
from pathlib import Path

import pytest

from export_pipelines import one_pass
from export_pipelines.artifacts import open_store, verify
from export_pipelines.one_pass import PassWindow, write_in_one_pass
from export_pipelines.plan.one_pass import adjacent
from export_pipelines.read import sqlite
from export_pipelines.run.first_rows import FirstRows
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.one_pass.windows import (
    EXPORTS,
    FIELDS,
    HEAD,
    alone,
    content,
    context_of,
    days,
    plans_of,
    together,
)
from export_pipelines_tests.orchestration.project import Project, now
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import token

BATCH_CELLS = 40, 200_000  # many batches, and one
FEW_CELLS = 0, 10**9  # the stages of a window in threads, and in turn


@pytest.mark.parametrize(
    ("batch_cells", "name", "few_cells"), in_turn(product(BATCH_CELLS, EXPORTS), *FEW_CELLS)
)
def test_artifacts_are_those_of_windows_that_run_alone(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch_cells: int,
    name: str,
    few_cells: int,
) -> None:
    monkeypatch.setattr(one_pass, "FEW_CELLS", few_cells)
    project.write("daily", HEAD + EXPORTS[name])
    opened, stores = project.opened(now), [open_store(str(tmp_path / name)) for name in "ab"]
    plans, query = plans_of(opened, days())
    assert query is not None and [len(group) for group in adjacent(plans)] == [len(plans)]
    expected = [content(stores[0], manifest) for manifest in alone(opened, plans, stores[0])]
    monkeypatch.setattr(sqlite, "BATCH_CELLS", batch_cells)
    manifests = together(opened, plans, query, stores[1])
    assert [content(stores[1], manifest) for manifest in manifests] == expected
    assert [verify(stores[1], manifest.artifact) for manifest in manifests] == [[]] * len(plans)
    if name != "filtered":
        assert [manifest.rows for manifest in manifests] == [10, 10, 10, 10, 0, 0, 0]
    assert [manifest.schema_version for manifest in manifests] == [1] * len(plans)


@pytest.mark.parametrize(
    "more",
    [
        "sort: [delivered_at]\n",
        "filter: {rules: [{lhv: dob.age, op: is greater than, rhv: 30}]}\n",
        "filter: {rules: [{lhv: email, op: format is valid}]}\n",
    ],
)
def test_windows_that_no_pass_may_read_are_read_one_by_one(project: Project, more: str) -> None:
    project.write("daily", HEAD + "format: csv\n" + FIELDS + more)
    opened = project.opened(now)
    plans, query = plans_of(opened, days())
    in_one = query is not None and len(list(adjacent(plans))) == 1
    assert in_one == ("is valid" in more)  # which SQLite is asked by a function of its own


def test_windows_with_a_gap_between_them_are_no_one_pass(project: Project) -> None:
    opened = project.opened(now)
    plans, _ = plans_of(opened, ["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-06", "2024-01-07"])
    assert [len(group) for group in adjacent(plans)] == [2, 3]


def test_observers_hear_of_one_window_after_the_other(project: Project, tmp_path: Path) -> None:
    opened, heard = project.opened(now), Heard()
    plans, query = plans_of(opened, days())
    windows = [PassWindow(plan, token(n), heard, FirstRows(5)) for n, plan in enumerate(plans)]
    assert query
    list(write_in_one_pass(windows, query, context_of(opened, open_store(str(tmp_path / "store")))))
    assert [run.window for run in heard.runs] == days() and len(heard.written) == len(plans)
