"""What needs the permission `admin`: each such command asks access.yaml who may, and the audit names who asked."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from export_pipelines.project import Project as Opened
from export_pipelines.system_user import system_user
from export_pipelines_tests.access.policies import LEADS
from export_pipelines_tests.access.test_audited import API_KEY, AUDIT, MASTER, entries
from export_pipelines_tests.conftest import NOW, Answer, Project

Terminal = Callable[..., Answer]
COMMANDS = (
    ("erase", "ARTIFACT", "--yes"),
    ("erase", "--lead", "somebody", "--yes"),
    ("erase", "--record", "ARTIFACT"),
    ("hold", "ARTIFACT", "--reason", "claim"),
    ("hold", "--lead", "somebody", "--reason", "claim"),
    ("hold", "--list"),
    ("artifacts", "seal", "--all"),
    ("master-key", "rotate"),
    ("access", "key", "new", "ana"),
    ("access", "key", "revoke", "KEY"),
    ("access", "key", "rotate", "KEY"),
    ("access", "sign-out", "ana"),
    ("access", "review"),
    ("detokenize", "v1.token"),
    ("evidence", "ARTIFACT", "-o", "OUTPUT"),
    ("audit",),
    ("audit", "export"),
)


def opened(project: Project) -> Opened:
    return replace(Opened.open(project.folder, project.environment, lambda: NOW), asker="boss")


def run(project: Project) -> str:
    return opened(project).run("leads", "2024-01-01").manifest.artifact


@pytest.fixture
def stocked(guarded: Project, terminal: Terminal) -> dict[str, str]:
    """An artifact that is not sealed, and a key; what the words of a command stand for."""
    run(guarded)
    key = terminal("access", "key", "new", "boss", "--as", "boss").stdout.strip()
    guarded.environment.update({MASTER: "m" * 32, AUDIT: "a" * 32})
    (manifest,) = opened(guarded).store.manifests()
    output = str(guarded.folder / "evidence.zip")
    return {"ARTIFACT": manifest.artifact, "KEY": key[4:12], "SECRET": key, "OUTPUT": output}


@pytest.mark.parametrize("asker", ["ana", "gone", None])
def test_who_may_not_is_denied_and_in_the_audit(
    guarded: Project, terminal: Terminal, stocked: dict[str, str], asker: str | None
) -> None:
    for command in COMMANDS:
        words, before = [stocked.get(word, word) for word in command], len(entries(guarded))
        answer = terminal(*words, *(("--as", asker) if asker else ()))
        assert (answer.code, answer.stdout) == (2, ""), command
        (entry,) = entries(guarded)[before:]
        assert (entry.action, entry.actor, entry.outcome) == ("denied", asker or system_user(), "denied")
        assert entry.detail["asked"] == ("admin" if asker else "ask")
        assert "somebody" not in repr(entry)
    (manifest,) = opened(guarded).store.manifests()
    assert manifest.artifact == stocked["ARTIFACT"] and not manifest.is_sealed


def test_who_may_is_the_actor_in_the_audit(
    guarded: Project, terminal: Terminal, stocked: dict[str, str]
) -> None:
    artifact, boss = stocked["ARTIFACT"], ("--as", "boss")
    before = len(entries(guarded))
    for command, action in (
        (("artifacts", "seal", "--all"), "key changed"),
        (("master-key", "rotate"), "key changed"),
        (("hold", artifact, "--reason", "claim"), "hold"),
        (("hold", artifact, "--release"), "hold"),
        (("erase", artifact, "--yes"), "erased"),
    ):
        assert terminal(*command, *boss).code == 0, command
        assert entries(guarded)[-1].action == action, command
    assert {entry.actor for entry in entries(guarded)[before:]} == {"boss"}
    assert (
        artifact in terminal("audit", *boss).stdout and artifact in terminal("audit", "export", *boss).stdout
    )


def test_values_of_tokens_are_given_to_who_may_alone(guarded: Project, terminal: Terminal) -> None:
    guarded.environment[MASTER] = "m" * 32
    guarded.write(
        "leads", LEADS + "privacy: {email: tokenize, first_name: remove, phone_1: remove, city: remove}\n"
    )
    frame = opened(guarded).read(run(guarded))
    token = str(frame["email"].dropna().iloc[0])
    denied = terminal("detokenize", token, "--as", "ana")
    assert denied.code == 2 and "@" not in denied.stdout
    assert "@" in terminal("detokenize", token, "--as", "boss").stdout
    actions = [(entry.action, entry.actor) for entry in entries(guarded)][-3:]
    assert actions == [("denied", "ana"), ("detokenize", "boss"), ("detokenized", "boss")]


def test_an_api_key_says_who_asks(guarded: Project, terminal: Terminal, stocked: dict[str, str]) -> None:
    guarded.environment[API_KEY] = stocked["SECRET"]
    assert terminal("hold", stocked["ARTIFACT"], "--reason", "claim").code == 0
    assert entries(guarded)[-1].actor == "boss"
    assert terminal("erase", stocked["ARTIFACT"], "--yes", "--as", "ana").code == 2
    assert entries(guarded)[-1].detail["asked"] == "ask"
