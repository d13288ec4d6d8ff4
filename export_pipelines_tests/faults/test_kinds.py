"""The table of faults: every kind can happen, is drawn again by its seed, and stands in the page."""

import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import get_args

from export_pipelines_faults.kinds import KINDS, Answers, OnTheWay, with_step
from export_pipelines_faults.report import BEGIN, COLUMNS, END
from export_pipelines_faults.scenes import SCENES
from export_pipelines_faults.syscalls import ANYWHERE, NETWORK, NUMBERS, AtCall, library
from export_pipelines_faults.trial import Outcome
from export_pipelines_servers.failing_aws import Fault as Answer
from export_pipelines_tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "faults.md"
PLACES = {"store", "ledger", "destination", "dagster", NETWORK, ANYWHERE}


def test_every_kind_can_happen() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert set(kind.scenes) <= set(SCENES), kind.name
        for injection in kind.draw(Random(1)):
            match injection:
                case AtCall():
                    assert injection.place in PLACES and injection.fault in NUMBERS, kind.name
                case OnTheWay():
                    assert injection.times >= 1, kind.name
                case Answers():
                    assert set(injection.faults) <= set(get_args(Answer)), kind.name


def test_a_fault_is_the_same_by_its_seed() -> None:
    for kind in KINDS:
        assert kind.draw(Random("7 3")) == kind.draw(Random("7 3"))


def test_a_fault_happens_at_one_of_the_calls() -> None:
    steps = {with_step(AtCall("store", "killed", n / 100), 10).step for n in range(100)}
    assert steps == set(range(1, 11))


def test_the_page_has_every_kind_and_no_violation() -> None:
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()]
    counts = {f"{row[0]}: {row[1]}": [int(cell or 0) for cell in row[2:]] for row in rows[2:-1]}
    assert list(counts) == [kind.name for kind in KINDS]
    sums = [sum(column) for column in zip(*counts.values(), strict=True)]
    assert [int(cell) for cell in rows[-1][2:]] == sums
    assert sums[COLUMNS.index(Outcome.VIOLATION)] == 0
    total = re.match(r"([\d,]+) faults", rows[-1][1])
    assert total and int(total[1].replace(",", "")) == sum(sums) > 5 * len(KINDS)


CUT = """
import ctypes, os, sys
library = ctypes.CDLL(None)
place = library.faults_place(sys.argv[1].encode())
library.faults_watch(1)
for name, synced in (("lost", False), ("kept", True)):
    file = open(f"{sys.argv[1]}/{name}.new", "wb")
    file.write(b"x" * 10)
    file.flush()
    if synced:
        os.fsync(file.fileno())
    os.rename(f"{sys.argv[1]}/{name}.new", f"{sys.argv[1]}/{name}")
library.faults_arm(0, place, 1, int(sys.argv[2]), ctypes.c_long(0))
os.mkdir(f"{sys.argv[1]}/folder")
"""


def sizes(folder: Path, fault: str) -> dict[str, int]:
    """What is left of two files after the power was cut, of which `kept` was synced."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(folder), str(NUMBERS[fault])],
        env={"LD_PRELOAD": str(library())},
        check=False,
    )
    assert done.returncode == -9
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def test_a_power_cut_takes_what_was_not_synced(tmp_path: Path) -> None:
    assert sizes(tmp_path / "data", "power cut, data lost") == {"lost": 0, "kept": 10}
    assert sizes(tmp_path / "names", "power cut, names lost") == {"lost.new": 10, "kept.new": 10}
