"""Each wrong request about rights, keys and erasure: one clear error, exit code 2, nothing written, and an entry in the audit."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from export_pipelines.ledger import ApiKeys, open_ledger
from export_pipelines.project import Project as Opened
from export_pipelines_servers.kms import kms_server
from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.access.test_audited import API_KEY, MASTER, TO_FOLDER, Terminal, entries
from export_pipelines_tests.conftest import NOW, Project

RUN = ("run", "leads", "--partition", "2024-01-01", "--as", "boss")
POLICY_FAULTS = {
    "permission": ("permissions: [view]", "permissions: [look]"),
    "role": ("roles: [reader]", "roles: [raeder]"),
    "field": ("email: hash", "emial: hash"),
    "type of export": ("types: [lead, report]", "types: [leed]"),
    "key": ("days_back: 30", "days: 30"),
    "a role that grants nothing": ("permissions: [view]", "permissions: []"),
    "a principal without a role": ("rita: {roles: [reader]}", "rita: {}"),
    "teams in a circle": ("members: [bo, cy]", "members: [bo, 'team:data']"),
    "an end that is no day": ("expires: 2024-01-31", "expires: 2024-01-32"),
}


def refused(guarded: Project, terminal: Terminal, *command: str, action: str = "denied") -> str:
    """The error of a command that is wrong, once all that it owes is proven."""
    tree, before = guarded.tree(ledger=False), len(entries(guarded))
    answer = terminal(*command)
    assert (answer.code, answer.stdout, answer.stderr.count("error: ")) == (2, "", 1), answer
    assert guarded.tree(ledger=False) == tree
    noted = [(entry.action, entry.outcome) for entry in entries(guarded)[before:]]
    changes = {("right changed", "done"), ("definition changed", "done"), ("key use", "done")}
    assert [entry for entry in noted if entry not in changes] == [
        (action, "denied" if action == "denied" else "failed")
    ]
    return answer.stderr


def delivered(guarded: Project) -> dict[str, str]:
    return {path: digest for path, digest in guarded.tree().items() if path.startswith("home/delivered/")}


@pytest.fixture
def sealed(guarded: Project) -> str:
    """An artifact of the export, sealed and delivered."""
    guarded.write("leads", TO_FOLDER)
    guarded.environment[MASTER] = "m" * 32
    return as_boss(guarded).run("leads", "2024-01-01").manifest.artifact


def as_boss(guarded: Project) -> Opened:
    project = Opened.open(guarded.folder, guarded.environment, lambda: NOW)
    project.asker = "boss"
    return project


@pytest.mark.parametrize("fault", POLICY_FAULTS)
def test_a_fault_of_access_yaml(guarded: Project, terminal: Terminal, fault: str) -> None:
    assert terminal("plan", "leads", "--partition", "2024-01-01", "--as", "boss").code == 0
    old, new = POLICY_FAULTS[fault]
    text = ACCESS.replace(old, new)
    assert text != ACCESS
    (guarded.folder / "access.yaml").write_text(text, encoding="utf-8")
    line = next(n for n, line in enumerate(text.splitlines(), 1) if line not in ACCESS.splitlines())
    assert f"access.yaml:{line}:" in refused(guarded, terminal, *RUN)


@pytest.mark.parametrize("command", [("plan",), ("preview",), ("run",)])
def test_an_unknown_principal(guarded: Project, terminal: Terminal, command: tuple[str]) -> None:
    said = refused(guarded, terminal, *command, "leads", "--partition", "2024-01-01", "--as", "anna")
    assert 'unknown principal "anna"; did you mean "ana"?' in said


def test_an_unknown_owner(guarded: Project, terminal: Terminal) -> None:
    path = guarded.write("leads", LEADS.replace("owner: boss", "owner: bosss"))
    said = refused(guarded, terminal, *RUN)
    assert f"{path.name}:3: owner: " in said and 'did you mean "boss"?' in said


def test_an_expired_key(guarded: Project, terminal: Terminal) -> None:
    assert terminal(*RUN).code == 0
    made_at = NOW - timedelta(days=2)
    keys = ApiKeys(open_ledger(f"sqlite:///{guarded.home / 'ledger.db'}").engine)
    guarded.environment[API_KEY] = key = keys.new("boss", timedelta(days=1), made_at, b"k" * 32)
    said = refused(guarded, terminal, *RUN[:-2])
    assert "expired" in said and key not in said


WITH_THE_KEY: dict[str, Callable[[str], tuple[str, ...]]] = {
    "verify": lambda artifact: ("verify", artifact),
    "erase": lambda _: ("erase", "--lead", "x", "--yes", "--as", "boss"),
    "hold": lambda _: ("hold", "--lead", "x", "--reason", "claim 1", "--as", "boss"),
    "rotate": lambda _: ("master-key", "rotate", "--as", "boss"),
}


@pytest.mark.parametrize("command", WITH_THE_KEY)
def test_a_wrong_master_key(guarded: Project, terminal: Terminal, sealed: str, command: str) -> None:
    guarded.environment[MASTER] = "n" * 32
    assert "is not held here" in refused(guarded, terminal, *WITH_THE_KEY[command](sealed))


def test_a_kms_that_refuses(
    guarded: Project, terminal: Terminal, sealed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kms_server() as kms:
        for name, value in kms.environment.items():
            monkeypatch.setenv(name, value)
        guarded.environment[f"{MASTER}_2"] = f"aws-kms://{kms.new_key()}"
        assert terminal("master-key", "rotate", "--as", "boss").code == 0
        del guarded.environment[MASTER]
        with kms.closed():
            assert "KMS refuses the key" in refused(guarded, terminal, "verify", sealed)
            assert not list((guarded.home / "artifacts").glob("leads/2024-02*"))


@pytest.mark.parametrize("key", ["pgp: no_key.asc", f"age: age1{'q' * 58}"])
def test_a_recipient_key_that_is_no_key(guarded: Project, terminal: Terminal, sealed: str, key: str) -> None:
    (guarded.folder / "no_key.asc").write_text("no key\n")
    guarded.write("leads", TO_FOLDER.replace('{{date}}"}', f'{{{{date}}}}", encrypt: {{{key}}}}}'))
    answer = terminal("check", "leads")
    assert answer.code == 2 and "encrypt" in answer.stderr + answer.stdout
    tree, before = delivered(guarded), len(entries(guarded))
    answer = terminal("deliver", sealed, "--again", "--as", "boss")
    assert (answer.code, answer.stderr.count("error: ")) == (2, 1) and "encrypt." in answer.stderr
    noted = [(entry.action, entry.outcome, entry.detail.get("code")) for entry in entries(guarded)[before:]]
    assert noted == [("deliver", "failed", "request")]
    assert delivered(guarded) == tree


def test_erasing_what_is_on_hold(guarded: Project, terminal: Terminal, sealed: str) -> None:
    assert terminal("hold", sealed, "--reason", "claim 1", "--as", "boss").code == 0
    assert "is on hold" in refused(guarded, terminal, "erase", sealed, "--yes", "--as", "boss")
