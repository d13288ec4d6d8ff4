import pytest

from export_pipelines_tests.conftest import Project


@pytest.fixture
def sealed(project: Project) -> Project:
    keys = {"MASTER_KEY": "m" * 32, "AUDIT_KEY": "a" * 32}
    project.environment.update({f"EXPORT_PIPELINES_{name}": key for name, key in keys.items()})
    return project
