"""Processes that are forked from one that has the libraries."""

import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from export_pipelines_tests.preloaded import FUNCTIONS, LIBRARIES, Process

ENDS_S = 120  # on a busy machine
START = "from export_pipelines_tests.preloaded import start_template; print(start_template())"


@pytest.mark.parametrize("name", sorted({*LIBRARIES, *FUNCTIONS}))
def test_what_is_preloaded_is_there(name: str) -> None:
    """The forkserver of Python says nothing of a module that is not there."""
    assert find_spec(name)


def test_a_process_has_its_own_words_folder_environment_and_streams(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), dict(os.environ), sys.argv, 'polars' in sys.modules); sys.exit(input())"
    with Process(["-c", code, "a", "b"], tmp_path, {"A": "1"}) as process:
        process.stdin.write("no\n")
        out, said = process.communicate()
    assert (out, said) == (f"{tmp_path} {{'A': '1'}} ['-c', 'a', 'b'] True\n", "no\n")
    assert process.returncode == 1


def test_a_template_ends_with_who_started_it_and_leaves_nothing(tmp_path: Path) -> None:
    with TemporaryDirectory() as folder:  # a socket has no long path
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": folder}
        with Process(["-c", START], tmp_path, environment) as process:
            out, said = process.communicate()
        assert process.returncode == 0, said
        place = Path(out.strip())
        assert place.is_relative_to(folder)
        until = time.monotonic() + ENDS_S
        while place.parent.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not place.parent.exists()
