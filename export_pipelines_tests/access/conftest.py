"""A project with access.yaml."""

import pytest

from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.conftest import Project

HASH_KEY = "EXPORT_PIPELINES_HASH_KEY"


@pytest.fixture
def guarded(project: Project) -> Project:
    """With the export `leads`, which boss owns."""
    (project.folder / "access.yaml").write_text(ACCESS, encoding="utf-8")
    (project.folder / "exports" / "daily.yaml").unlink()
    project.environment[HASH_KEY] = "k" * 32
    project.write("leads", LEADS)
    return project
