"""kill -9 at chosen moments. The child stops at every durable step until it is told to go on, so that the moments
are exact: every write of a part, every fsync, every rename.

KILLS=20 in the environment kills at so many moments instead of four."""

import os
import random
import signal
from pathlib import Path

import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Store, open_store, verify
from export_pipelines.definition.export import Split
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.run.whole_run import LEADS, NOW, plan_of, sample_url, token

MOMENTS = int(os.environ.get("KILLS", "4"))

CHILD = """
import os, pathlib, sys
from export_pipelines.artifacts import open_store
from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.plan.plan import Plan
from export_pipelines.read.open_source import open_source
from export_pipelines.mask.keys import Keys
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.run.whole_run import NOW

def halting(action):
    def call(*arguments, **options):
        print("step", flush=True)
        sys.stdin.readline()
        return action(*arguments, **options)
    return call

plan, url, store, token = sys.argv[1:]
os.fsync = halting(os.fsync)
pathlib.Path.rename = halting(pathlib.Path.rename)
pathlib.Path.unlink = halting(pathlib.Path.unlink)
plan = Plan.model_validate_json(pathlib.Path(plan).read_text())
run_export(plan, RunContext(open_source(url), open_store(store), Keys(), lambda: NOW), token)
print("done", flush=True)
"""


class Child:
    """A run in a process of its own that halts before every durable step."""

    def __init__(self, folder: Path, plan: Plan, url: str, run_token: str) -> None:
        (folder / "plan.json").write_text(plan.model_dump_json())
        words = ["-c", CHILD, str(folder / "plan.json"), url, str(folder / "store"), run_token]
        self.process = Process(words, folder, child_environment())

    def walk(self, steps: int | None = None) -> int:
        """Lets it take `steps` steps, or all; returns how many it took. It then waits before the next one."""
        taken = 0
        while self.process.stdout.readline() == "step\n":
            if taken == steps:
                break
            taken += 1
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        return taken

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(timeout=60) == -signal.SIGKILL
        self.close()

    def close(self) -> None:
        self.process.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_url(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(split=Split(rows=60))


@pytest.fixture(scope="module")
def all_steps(tmp_path_factory: pytest.TempPathFactory, url: str, plan: Plan) -> int:
    folder = tmp_path_factory.mktemp("whole")
    child = Child(folder, plan, url, token(0))
    steps = child.walk()
    assert child.process.wait(timeout=60) == 0
    child.close()
    assert len(open_store(str(folder / "store")).manifests()) == 1
    return steps


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_any_moment_a_run_leaves_a_whole_artifact_or_none(
    tmp_path: Path, url: str, plan: Plan, all_steps: int, moment: int
) -> None:
    store = open_store(str(tmp_path / "store"))
    child = Child(tmp_path, plan, url, token(1))
    at = nth_moment(moment, all_steps)
    assert child.walk(at) == at
    child.kill()

    assert_only_whole_artifacts(store)
    after_kill = store.manifests()

    manifest = run_export(plan, RunContext(open_source(url), store, Keys(), lambda: NOW), token(2))
    assert sorted(manifest.artifact for manifest in store.manifests()) == [
        *(manifest.artifact for manifest in after_kill),
        manifest.artifact,
    ]
    assert manifest.rows == LEADS
    assert_only_whole_artifacts(store)
    assert files_of(tmp_path / "store") == files_that_manifests_know(store)


def nth_moment(moment: int, all_steps: int) -> int:
    """One step at random from each part of the run; the last part holds the commit."""
    begin, end = moment * all_steps // MOMENTS, (moment + 1) * all_steps // MOMENTS
    return random.Random(moment).randrange(begin, end)


def test_killed_while_it_commits_it_is_all_or_nothing(
    tmp_path: Path, url: str, plan: Plan, all_steps: int
) -> None:
    whole = []
    for back in range(1, 9, 1 if MOMENTS > 4 else 2):
        store = open_store(str(tmp_path / "store"))
        child = Child(tmp_path, plan, url, token(back))
        child.walk(all_steps - back)
        child.kill()
        assert_only_whole_artifacts(store)
        whole.append(any(manifest.artifact.endswith(token(back)) for manifest in store.manifests()))
        store.sweep()
        assert files_of(tmp_path / "store") == files_that_manifests_know(store)
    assert whole == sorted(whole, reverse=True)  # once committed, committed
    assert set(whole) == {True, False}


def assert_only_whole_artifacts(store: Store) -> None:
    listing = store.listing()
    assert listing.damaged == {}
    assert [fault for manifest in listing.manifests for fault in verify(store, manifest.artifact)] == []


def files_of(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def files_that_manifests_know(store: Store) -> set[str]:
    return {
        f"{manifest.artifact}/{name}"
        for manifest in store.manifests()
        for name in ("manifest.json", *(part.name for part in manifest.parts))
    }
