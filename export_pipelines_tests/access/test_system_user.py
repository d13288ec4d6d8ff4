"""Where nobody is named, the system's user asks, whatever variables say."""

from collections.abc import Callable

import pytest

from export_pipelines.system_user import system_user
from export_pipelines_tests.conftest import Answer, Project


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_no_variable_makes_anybody_another_user(
    guarded: Project, terminal: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "boss")
    assert system_user() != "boss"
    answer = terminal("plan", "leads", "--partition", "2024-01-01")
    assert answer.code == 2
    assert f'does not know the user "{system_user()}"' in answer.stderr
    assert terminal("plan", "leads", "--partition", "2024-01-01", "--as", "boss").code == 0
