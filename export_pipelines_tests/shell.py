"""The program's commands in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence

from export_pipelines_tests import preloaded
from export_pipelines_tests.conftest import REPOSITORY, Project

Ended = subprocess.CompletedProcess[str]


def environment(project: Project) -> dict[str, str]:
    """What a process of `project` knows, and nothing of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXPORT_PIPELINES", "DAGSTER"))
    }
    path = os.pathsep.join([str(REPOSITORY), kept.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return kept | {"PYTHONPATH": path} | project.environment


def call(project: Project, program: Sequence[str]) -> Ended:
    """Python with these words, in the project's folder."""
    return subprocess.run(
        [sys.executable, *program],
        cwd=project.folder,
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
    )


def in_shell(project: Project, *arguments: str) -> Ended:
    """The command as a shell starts it."""
    return call(project, ["-m", "export_pipelines.cli.app", *arguments])


def in_process(project: Project, *arguments: str) -> Ended:
    """The command in a process that has its libraries from the beginning."""
    words = ["-m", "export_pipelines.cli.app", *arguments]
    with preloaded.Process(words, project.folder, environment(project)) as process:
        out, said = process.communicate()
    return Ended(words, process.wait(), out, said)
