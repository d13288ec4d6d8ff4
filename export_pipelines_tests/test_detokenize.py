"""`detokenize` gives values back to who holds the key, and the ledger knows it."""

import csv
import getpass
import gzip
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl
import pytest

from export_pipelines.detokenize import Detokenizer
from export_pipelines.errors import RequestError
from export_pipelines.ledger import AuditAction, AuditEntry, AuditOutcome, open_ledger
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.normalise import normalised
from export_pipelines.mask.pseudonyms import Opener, tokenized
from export_pipelines.transform.letters import letters_of
from export_pipelines_tests.conftest import DAILY, NOW, Answer, Project

Terminal = Callable[..., Answer]
FIRST, SECOND = "the first master key of the tests", "the second master key of the tests"
VARIABLE = "EXPORT_PIPELINES_MASTER_KEY"
DAY = "2024-01-15"


@pytest.fixture(autouse=True)
def key(project: Project) -> None:
    project.environment[VARIABLE] = FIRST


def token(value: str, type: str = "name", key: str = FIRST) -> str:
    keys = Keys.from_bytes(master_key=key.encode())
    return str(tokenized(type, letters_of(pl.Series([value])), keys)[0])


def written(project: Project, values: Iterable[str], name: str = "leads.csv") -> Path:
    """A file of tokens, with some of other things beside."""
    path = project.folder / name
    lines = [f'{n},{value and token(value)},"a ""note"""\n' for n, value in enumerate(values)]
    data = ("lead_id,last_name,comments\n" + "".join(lines)).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def audited(project: Project) -> list[AuditEntry]:
    return open_ledger(project.settings.ledger_url.get_secret_value()).audit()


def refused(answer: Answer, text: str) -> None:
    assert (answer.code, answer.stdout) == (2, "")
    assert text in answer.stderr and answer.stderr.count("error: ") == 1


def test_the_value_of_a_token_is_given_back_and_recorded(terminal: Terminal, project: Project) -> None:
    answer = terminal("detokenize", token("O'Neil"))
    assert (answer.code, answer.stdout, answer.stderr) == (0, "O'Neil\n", "")
    before, after = audited(project)
    digest = hashlib.sha256(token("O'Neil").encode()).hexdigest()
    assert (before.actor, before.at, before.action) == (getpass.getuser(), NOW, "detokenize")
    assert (before.subject, before.detail) == ("value", {"token_sha256": digest})
    assert (after.action, after.detail) == (
        "detokenized",
        {"entry": before.id, "opened": 1, "outcome": "done"},
    )


@pytest.mark.parametrize("name", ["leads.csv", "leads.csv.gz"])
def test_the_columns_of_a_file_are_given_back_and_recorded(
    terminal: Terminal, project: Project, name: str
) -> None:
    path, out = written(project, ["Roe", "", "O'Neil, Jr.", "Roe"], name), project.folder / f"out_{name}"
    answer = terminal("detokenize", str(path), "--column", "last_name", "--output", str(out))
    assert (answer.code, answer.stdout) == (0, ""), answer.stderr
    assert answer.stderr == f"3 tokens opened; written to {out}\n"
    data = out.read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    assert text == (
        'lead_id,last_name,comments\n0,Roe,"a ""note"""\n1,,"a ""note"""\n'
        '2,"O\'Neil, Jr.","a ""note"""\n3,Roe,"a ""note"""\n'
    )
    assert out.stat().st_mode & 0o777 == 0o600
    before, after = audited(project)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (before.subject, before.detail) == ("file", {"columns": ["last_name"], "sha256": digest})
    assert after.detail == {"entry": before.id, "opened": 3, "outcome": "done"}


def test_a_file_goes_to_stdout_without_an_output(terminal: Terminal, project: Project) -> None:
    path = written(project, ["Roe"])
    answer = terminal("detokenize", str(path), "--column", "last_name")
    assert answer.stdout == 'lead_id,last_name,comments\n0,Roe,"a ""note"""\n'
    assert answer.stderr == "1 tokens opened\n"


def test_who_did_it_is_recorded_before_a_value_is_given_back(terminal: Terminal, project: Project) -> None:
    ledger = open_ledger(project.settings.ledger_url.get_secret_value())
    opener = Opener(Keys.of(project.settings))
    detokenizer = Detokenizer(opener, ledger, "ann", lambda: NOW)
    seen: list[list[str]] = []

    class Watching(io.BytesIO):
        def write(self, data: object, /) -> int:
            seen.append([entry.action for entry in ledger.audit()])
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        detokenizer.file(written(project, ["Roe"]), ["last_name"], "", None, Watching())
    with pytest.raises(BrokenPipeError), detokenizer.value(token("Roe")):
        raise BrokenPipeError
    assert seen == [["detokenize"]]
    assert [entry.detail.get("outcome") for entry in ledger.audit()] == [None, "failed", None, "failed"]


def test_an_export_gives_its_values_back_after_a_rotation_and_no_more_after_a_retirement(
    terminal: Terminal, project: Project
) -> None:
    project.write(
        "daily",
        DAILY.replace("email, state", "email, last_name, state").replace(
            "{email: mask}", "{email: tokenize, last_name: tokenize}"
        ),
    )
    assert terminal("run", "daily", "--partition", DAY).code == 0
    (path,) = project.home.glob(f"delivered/daily/{DAY}/*.csv")
    assert "tok_" in path.read_text()
    project.environment[f"{VARIABLE}_2"] = SECOND
    command = ("detokenize", str(path), "--column", "email", "--column", "last_name")
    answer = terminal(*command)
    assert answer.code == 0, answer.stderr
    assert set(shown(answer.stdout)) == set(stored(project))
    project.environment[VARIABLE] = ""
    refused(terminal(*command), f"{path}:2: column email: the token was made with the key ")


def shown(text: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(io.StringIO(text)):
        yield row["email"], row["last_name"]


def stored(project: Project) -> Iterator[tuple[str, str]]:
    path = project.settings.source_url.get_secret_value().removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        query = "SELECT email, last_name FROM leads WHERE submitted_at >= ? AND submitted_at < ?"
        for email, name in connection.execute(query, (f"{DAY} 00:00", "2024-01-16 00:00")):
            yield normalised("email", email or ""), normalised("name", name or "")


NO_KEY = f"detokenize needs the key {VARIABLE}, which is not set"
FILE_FAULTS: dict[str, tuple[list[str], str]] = {
    "wrong column": (
        ["--column", "lastname"],
        'leads.csv:1: unknown column "lastname"; did you mean "last_name"?',
    ),
    "not a column of tokens": (["--column", "lead_id"], "leads.csv:2: column lead_id: that is no token"),
    "no column": ([], "the columns that hold tokens are missing (--column NAME)"),
}


@pytest.mark.parametrize("output", [True, False])
@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_file_that_cannot_be_opened_leaves_nothing(
    terminal: Terminal, project: Project, fault: str, output: bool
) -> None:
    path, out = written(project, ["Roe"] * 100), project.folder / "out.csv"
    options, text = FILE_FAULTS[fault]
    wanted = ["--output", str(out)] if output and options else []
    refused(terminal("detokenize", str(path), *options, *wanted), text)
    assert sorted(file.name for file in project.folder.glob("*.csv*")) == ["leads.csv"]
    assert not [*project.folder.glob(".*")] and audited(project) == []


def test_one_cell_that_is_no_token_at_the_end_keeps_all_back(terminal: Terminal, project: Project) -> None:
    path = written(project, ["Roe"] * 5000)
    with path.open("a") as file:
        file.write("5000,Jane,\n")
    answer = terminal("detokenize", str(path), "--column", "last_name")
    refused(answer, "leads.csv:5002: column last_name: that is no token")
    assert "Jane" not in answer.stderr


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.csv", None, "cannot read the file: No such file or directory"),
        ("a.csv.gz", b"a,b\n", "the file is damaged, or no gzip"),
        ("a.csv.gz", gzip.compress(b"a,b\n" + b",x\n" * 99)[:-9], "the file is damaged, or no gzip"),
        ("a.csv", b"a\n\xff\n", "the file is not UTF-8"),
        ("a.csv", b"", "the file is empty"),
        ("a.parquet", b"PAR1", "tokens are opened in CSV and TSV files only"),
        ("a.csv.zst", b"", "tokens are opened in CSV and TSV files only"),
    ],
    ids=["missing", "no gzip", "cut", "latin", "empty", "parquet", "zstd"],
)
def test_a_file_that_cannot_be_read_is_refused(
    terminal: Terminal, project: Project, name: str, data: bytes | None, text: str
) -> None:
    path = project.folder / name
    if data is not None:
        path.write_bytes(data)
    refused(terminal("detokenize", str(path), "--column", "a"), text)


def test_a_file_is_not_written_over_itself(terminal: Terminal, project: Project) -> None:
    path = written(project, ["Roe"])
    before = path.read_bytes()
    command = ("detokenize", str(path), "--column", "last_name", "--output")
    refused(terminal(*command, str(path)), "the output is the file itself")
    assert path.read_bytes() == before
    answer = terminal(*command, str(project.folder / "nowhere" / "out.csv"))
    assert answer.code == 1 and "cannot write the file: No such file or directory" in answer.stderr


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("", NO_KEY),
        ("short", f"detokenize needs keys of at least 32 bytes, and {VARIABLE} holds 5"),
        (SECOND, "not held: it is retired, or another project's"),
    ],
)
def test_without_the_right_key_nothing_is_given_back(
    terminal: Terminal, project: Project, key: str, text: str
) -> None:
    path, roe = written(project, ["Roe"]), token("Roe")
    project.environment[VARIABLE] = key
    for command in ([roe], [str(path), "--column", "last_name"]):
        refused(terminal("detokenize", *command), text)
    assert audited(project) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [("Jane", "that is no token"), ("tok_01234567_abcd", "made with the key 01234567, which is not held")],
)
def test_what_is_no_token_of_ours_is_refused(
    terminal: Terminal, project: Project, text: str, error: str
) -> None:
    refused(terminal("detokenize", text), error)
    refused(terminal("detokenize", text, "--output", "x.csv"), "--output and --null-marker are for a file")


def test_a_pipe_is_refused(project: Project) -> None:
    ledger = open_ledger(project.settings.ledger_url.get_secret_value())
    detokenizer = Detokenizer(Opener(Keys.of(project.settings)), ledger, "ann", lambda: NOW)
    path = project.folder / "pipe.csv"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    with pytest.raises(RequestError, match="the file is read twice"):
        detokenizer.file(path, ["a"], "", None, io.BytesIO())
    os.close(writer)


def test_the_audit_lists_who_asked_for_values(terminal: Terminal, project: Project) -> None:
    assert terminal("audit").stdout == "the audit has no such entries\n"
    assert terminal("audit", "--json").stdout == "[]\n"
    path = written(project, ["Roe", "O'Neil"])
    terminal("detokenize", token("Roe"))
    terminal("detokenize", str(path), "--column", "last_name", "--output", str(project.folder / "out.csv"))
    killed = {"columns": ["a", "b"], "sha256": "0" * 64}
    open_ledger(project.settings.ledger_url.get_secret_value()).record(
        "bob", AuditAction.DETOKENIZE, "x\x1b.csv", killed, NOW, AuditOutcome.STARTED
    )
    answer = terminal("audit", "--since", "2024-02-05")
    assert (answer.code, answer.stderr) == (0, "")
    lines = [[cell.strip() for cell in line.split("  ") if cell] for line in answer.stdout.splitlines()]
    when, user = f"{NOW:%Y-%m-%d %H:%M:%S}", getpass.getuser()
    digests = [hashlib.sha256(one).hexdigest()[:12] for one in (token("Roe").encode(), path.read_bytes())]
    assert lines == [
        ["no", "when (UTC)", "who", "as owner", "action", "what", "outcome", "details"],
        ["1", when, user, "detokenize", "value", "started", f"token_sha256={digests[0]}..."],
        ["2", when, user, "detokenized", "value", "done", "entry=1 opened=1 outcome=done"],
        ["3", when, user, "detokenize", "file", "started", f"columns=last_name sha256={digests[1]}..."],
        ["4", when, user, "detokenized", "file", "done", "entry=3 opened=2 outcome=done"],
        ["5", when, "bob", "detokenize", "x\\x1b.csv", "started", f"columns=a,b sha256={'0' * 12}..."],
    ]


def test_the_audit_gives_programs_the_entries_as_they_are(terminal: Terminal, project: Project) -> None:
    terminal("detokenize", token("Roe"))
    before, after = json.loads(terminal("audit", "--json").stdout)
    assert before | {"detail": None, "hash": None} == {
        "id": after["detail"]["entry"],
        "at": NOW.isoformat(),
        "actor": getpass.getuser(),
        "action": "detokenize",
        "subject": "value",
        "detail": None,
        "hash": None,
        "owner": None,
        "outcome": "started",
    }
    assert after["action"] == "detokenized"
    assert after["detail"] == {"entry": before["id"], "opened": 1, "outcome": "done"}
