"""Keys over the life of a project: what joins, what a rotated key makes anew, and what a bad key stops."""

import csv
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.key_versions import PREFIX
from export_pipelines_tests.conftest import DAILY, Answer, Project

Terminal = Callable[..., Answer]
HASH, MASTER = f"{PREFIX}HASH_KEY", f"{PREFIX}MASTER_KEY"
FIRST, SECOND = "the first key of the tests, no secret", "the second key of the tests, no secret"
DAY, NEXT = "2024-01-15", "2024-01-16"
FIELDS = "fields: [lead_id, submitted_at, email, state, revenue]"
PRIVATE = DAILY.replace(FIELDS, "fields: [lead_id, email, first_name, last_name]")


@pytest.fixture(autouse=True)
def keys(project: Project) -> None:
    project.environment.update({HASH: FIRST, MASTER: FIRST})


def rows(project: Project, terminal: Terminal, export: str, day: str = DAY) -> list[dict[str, str]]:
    """The rows of a new run."""
    answer = terminal("run", export, "--partition", day)
    assert answer.code == 0, answer.stderr
    (path,) = project.home.glob(f"delivered/{export}/{day}/*.csv")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def manifests(project: Project, export: str) -> list[dict[str, object]]:
    paths = sorted(project.home.glob(f"artifacts/{export}/*/*/manifest.json"))
    return [json.loads(path.read_bytes()) for path in paths]


def test_a_type_joins_over_fields_and_exports_and_never_with_another_type(
    terminal: Terminal, project: Project
) -> None:
    """Every lead has one name, which is also its other name and its address."""
    own = project.folder / "own.db"
    source = Path(project.environment[f"{PREFIX}SOURCE_URL"].removeprefix("sqlite:///"))
    own.write_bytes(source.read_bytes())
    project.environment[f"{PREFIX}SOURCE_URL"] = f"sqlite:///{own}"
    same(own, "jane@x.org")
    words = "{email: hash, first_name: hash, last_name: hash}"
    project.write("one", PRIVATE.replace("{email: mask}", words))
    project.write(
        "two",
        PRIVATE.replace("{email: mask}", words).replace("first_name, ", "").replace("first_name: hash, ", ""),
    )
    first, two = rows(project, terminal, "one"), rows(project, terminal, "two")
    assert len(first) == len(two) > 5
    assert {row["first_name"] for row in first} == {row["last_name"] for row in [*first, *two]}
    assert {row["email"] for row in first} == {row["email"] for row in two}
    assert len({row[name] for row in first for name in ("email", "first_name", "last_name")}) == 2


def same(file: Path, value: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE leads SET email = ?, first_name = ?, last_name = ?", (value,) * 3)


def test_the_manifest_names_the_ids_of_the_keys_and_no_secret(terminal: Terminal, project: Project) -> None:
    project.write("hidden", PRIVATE.replace("{email: mask}", "{email: hash, '*_name': tokenize}"))
    project.write("masked", PRIVATE.replace("{email: mask}", "{email: mask, '*_name': mask}"))
    hidden_rows = rows(project, terminal, "hidden")
    rows(project, terminal, "masked")
    (hidden,), (masked,) = manifests(project, "hidden"), manifests(project, "masked")
    hash_id, token_id = hidden_rows[0]["email"].split("_")[0], hidden_rows[0]["last_name"].split("_")[1]
    assert hidden["key_ids"] == [f"HASH_KEY:{hash_id}", f"MASTER_KEY:{token_id}"]
    assert "key_ids" not in masked
    assert FIRST not in json.dumps(hidden) and hash_id != token_id


def test_a_backfill_after_a_rotation_runs_what_was_made_with_the_old_key(
    terminal: Terminal, project: Project
) -> None:
    project.write("hidden", PRIVATE.replace("{email: mask}", "{email: hash, '*_name': mask}"))
    command = ("backfill", "hidden", "--from", DAY, "--to", NEXT)

    def run_ids() -> list[object]:
        answer = terminal(*command)
        assert answer.code == 0, answer.stderr
        return [manifest["key_ids"] for manifest in manifests(project, "hidden")]

    first = run_ids()
    assert len(first) == 2 and run_ids() == first
    project.environment[f"{HASH}_2"] = SECOND
    second = run_ids()
    assert len(second) == 4 and sum(ids != first[0] for ids in second) == 2
    assert run_ids() == second
    project.environment[f"{HASH}_ACTIVE"] = "1"
    third = run_ids()
    assert len(third) == 4  # what the first key made is still there


@pytest.mark.parametrize("command", ["run", "plan", "preview", "check"])
@pytest.mark.parametrize("word", ["hash", "tokenize"])
def test_a_short_key_is_refused_where_an_export_needs_it(
    terminal: Terminal, project: Project, word: str, command: str
) -> None:
    project.write("daily", DAILY.replace("email: mask", f"email: {word}"))
    name = {"hash": HASH, "tokenize": MASTER}[word]
    project.environment[name] = "short"
    before = project.tree()
    options = [] if command == "check" else ["--partition", DAY]
    answer = terminal(command, "daily", *options)
    text = f"daily.yaml:8: privacy: {word} needs keys of at least 32 bytes, and {name} holds 5"
    assert answer.code == 2 and text in answer.stdout + answer.stderr
    assert project.tree() == before


def test_a_short_key_stops_nothing_that_needs_none(terminal: Terminal, project: Project) -> None:
    project.environment.update({HASH: "short", MASTER: "short"})
    assert [terminal(*command).code for command in (["list"], ["check"], ["fields", "leads"])] == [0, 0, 0]
    refused = terminal("run", "daily", "--partition", DAY)
    assert refused.code == 2 and "seal needs keys of at least 32 bytes" in refused.stderr
    project.environment[MASTER] = ""
    assert terminal("run", "daily", "--partition", DAY).code == 0
