"""Whoever may not see an address learns nothing of it: two stores that differ in planted addresses alone answer alike,
whatever is asked of plans, previews, estimates and runs, and whatever errors say.

TRIES is how many random requests are made, 50 where it does not say (2000 is the full run)."""

import json
import os
import random
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from export_pipelines.artifact_of_run import check_run
from export_pipelines.definition import load_definition
from export_pipelines.errors import Denied, ExportError
from export_pipelines.estimate import estimate
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import Plan, compile_plan
from export_pipelines.plan.describe import describe
from export_pipelines.plan.window import window_between
from export_pipelines.project import Project
from export_pipelines.run.preview import preview
from export_pipelines.run.write_parts import write_parts
from export_pipelines.sample import generate_leads
from export_pipelines_tests.access.test_model import NOW
from export_pipelines_tests.conftest import DAYS, FIRST_DAY, SEED
from export_pipelines_tests.encode.tables import MemoryStore

TRIES = int(os.environ.get("TRIES", "50"))
WINDOW = window_between("2024-01-01", "2024-02-01")
LEADS, PLANTED = 160, 100
PLANTED_WORD = re.compile(r"planted\d{3}")
POLICY = """\
roles:
  all: {permissions: [view, create]}
  blind:
    permissions: [view, create]
    scope: {pii: {default: keep, email: remove, custom: remove, appended: remove, landing_page: remove, comments: remove, trustedform_cert_url: remove}}
  redacted:
    permissions: [view, create]
    scope: {pii: {default: keep, email: remove, custom: redact, appended: redact, landing_page: redact, comments: redact, trustedform_cert_url: redact}}
  strict:
    permissions: [view, create]
    scope: {pii: {default: remove}}
principals:
  boss: {roles: [all]}
  bo: {roles: [blind]}
  di: {roles: [redacted]}
  cy: {roles: [strict]}
"""
ASKERS = ("bo", "di", "cy")
OPS = ("is equal to", "is not equal to", "is included in", "includes", "does not include", "matches pattern", "is blank", "is not blank", "format is valid", "is less than", "is greater than")  # fmt: skip
PARTS = ("email", "email.user", "email.domain", "email.host", "email.tld", "email.is_free", "email.valid", "custom", "comments", "landing_page", "state", "first_name", "email_2", "custom.product_type")  # fmt: skip
COLUMNS = {
    "lead": ["state", "email", "email.*", "custom", "custom.*", "appended", "comments", "landing_page", "email_2", "first_name"],
    "event": ["event_type", "lead", "lead.email", "lead.email.domain", "lead.custom", "lead.comments", "lead.state", "reason"],
}  # fmt: skip
GROUPS = ("email", "email.domain", "email.tld", "email.user", "email.is_free", "email.valid", "state", "outcome", "custom.product_type", "day")  # fmt: skip


class Twins:
    """Two projects whose stores differ in the planted addresses alone."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'leads.db'}"
        generate_leads(url, LEADS, SEED, FIRST_DAY, DAYS, events=True)
        self.users = [f"planted{number:03d}" for number in range(PLANTED)]
        others = [f"{self.users[(number + 37) % PLANTED]}x" for number in range(PLANTED)]
        self.projects = [
            self._project(folder, name, users) for name, users in (("one", self.users), ("two", others))
        ]
        self.exports = folder

    def _project(self, folder: Path, name: str, users: list[str]) -> Project:
        file = folder / f"{name}.db"
        with sqlite3.connect(folder / "leads.db") as source, sqlite3.connect(file) as target:
            source.backup(target)
            plant(target, users)
        home = folder / name
        (home / "exports").mkdir(parents=True)
        (home / "access.yaml").write_text(POLICY, encoding="utf-8")
        variables = {"HOME": str(home / "home"), "SOURCE_URL": f"sqlite:///{file}", "HASH_KEY": "k" * 32}
        return Project.open(
            home, {f"EXPORT_PIPELINES_{key}": text for key, text in variables.items()}, lambda: NOW
        )

    def ask(self, asked: dict[str, Any], asker: str, door: str) -> tuple[str, str]:
        """What each of the two says at a door, word for word."""
        file = self.exports / "guess.yaml"
        file.write_text(yaml.safe_dump(asked), encoding="utf-8")
        first, second = (
            told(project, file, asker, door).replace(str(project.root), "here") for project in self.projects
        )
        return first, second


def plant(store: sqlite3.Connection, users: list[str]) -> None:
    """The addresses, in the leads, in what their events say of them, and in what people and services typed beside."""
    chosen = store.execute(
        "SELECT lead_id, email, custom FROM leads WHERE email LIKE '%@%' ORDER BY lead_id LIMIT ?", (PLANTED,)
    ).fetchall()
    for (id, before, custom), user in zip(chosen, users, strict=False):
        address = f"{user}@acme.example"
        extra = json.dumps({**json.loads(custom or "{}"), "backup": address})
        store.execute(
            "UPDATE leads SET email = ?, custom = ?, comments = ?, landing_page = ? WHERE lead_id = ?",
            (address, extra, f"write to {address}", f"https://acme.example/?mail={address}", id),
        )
        store.execute("UPDATE events SET lead = replace(lead, ?, ?) WHERE lead_id = ?", (before, address, id))


def told(project: Project, file: Path, asker: str, door: str) -> str:
    """All that the program says to `asker` of an export: its plan, and what comes through the door, or an error."""
    try:
        definition = load_definition(file, project.catalog)
        plan = compile_plan(
            project.request_of(asker, definition, WINDOW, "view" if door == "plan" else "create")
        )
        return "\n".join([describe(plan), plan.model_dump_json(), DOORS[door](project, plan)])
    except Denied as error:
        return f"denied: {error}"
    except ExportError as error:
        return f"{error.code}: {error}"


def estimated(project: Project, plan: Plan) -> str:
    return str(estimate(plan, project.source(), project.settings))


def previewed(project: Project, plan: Plan) -> str:
    return str(preview(plan, project.source().read(plan.query), Keys.of(project.settings), 20))


def run(project: Project, plan: Plan) -> str:
    check_run(plan, project.source())
    parts = MemoryStore()
    write_parts(plan, project.source().read(plan.query), parts.open_part, Keys.of(project.settings))
    return str(tuple(parts.parts.values()))


DOORS = {"plan": estimated, "preview": previewed, "run": run}


def a_rule(chance: random.Random, piece: str, prefix: str) -> dict[str, Any]:
    op = chance.choice(OPS)
    if chance.random() < 0.1:
        op, inner = chance.choice(["and", "or"]), [a_rule(chance, piece, prefix) for _ in range(2)]
        return {"op": op, "rules": inner}
    rhv: Any = [piece, "x"] if op == "is included in" else piece
    bare = op in ("is blank", "is not blank", "format is valid")
    return {"lhv": f"{prefix}{chance.choice(PARTS)}", "op": op, **({} if bare else {"rhv": rhv})}


def guess(chance: random.Random, users: list[str]) -> dict[str, Any]:
    """An export that asks about a planted address, one way or another."""
    user = chance.choice(users)
    piece = chance.choice(
        [user, f"{user}@acme.example", user[:8], "planted", "acme.example", "^planted0[0-4]"]
    )
    type = chance.choice(["lead", "lead", "event", "report", "report"])
    prefix = chance.choice(["", "lead."]) if type == "event" else ""
    asked: dict[str, Any] = {"type": type, "format": chance.choice(["csv", "ndjson"]), "owner": "boss"}
    if chance.random() < 0.7:
        rules = [a_rule(chance, piece, prefix) for _ in range(chance.choice([1, 1, 2]))]
        asked["filter"] = {"rules": rules}
    elif chance.random() < 0.5:
        asked["filter"] = {"where": {f"{prefix}{chance.choice(PARTS)}": piece}}
    if type == "report":
        groups = chance.sample(GROUPS, chance.choice([1, 1, 2]))
        metrics = chance.sample(["leads", "revenue", "accepted"], chance.choice([1, 2]))
        asked |= {"over": "leads", "metrics": metrics, "group_by": groups}
        asked |= {"pivot": groups[-1]} if len(groups) > 1 and chance.random() < 0.5 else {}
        asked |= {"totals": True} if chance.random() < 0.3 else {}
        return asked
    first = "lead_id" if type == "lead" else "event_id"
    asked["fields"] = [first, *chance.sample(COLUMNS[type], chance.choice([1, 2, 3]))]
    if chance.random() < 0.25:
        asked["sort"] = [chance.choice(["email", "email_2", "state", first])]
    if chance.random() < 0.2:
        asked["limits"] = {"rows": chance.choice([1, 20, 100])}  # an error that counts rows
    return asked


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    return Twins(tmp_path_factory.mktemp("twins"))


def test_no_answer_depends_on_an_address(twins: Twins) -> None:
    chance, denied, wrong, given = random.Random(1), 0, 0, 0
    for _ in range(TRIES):
        asked, asker, door = guess(chance, twins.users), chance.choice(ASKERS), chance.choice(list(DOORS))
        first, second = twins.ask(asked, asker, door)
        assert first == second, (asker, asked)
        if first.startswith("denied: "):
            assert not PLANTED_WORD.search(first), (asker, asked, first)
            denied += 1
        elif "\n" not in first:
            wrong += 1
        else:
            require_silent(first, asked)
            given += 1
    assert denied > TRIES / 10 and given > TRIES / 10, (denied, wrong, given)


def require_silent(text: str, asked: dict[str, Any]) -> None:
    """No planted address is in it, but for the words that whoever asked wrote into the request."""
    own = json.dumps(asked.get("filter", {}))
    assert all(word in own for word in PLANTED_WORD.findall(text)), asked


@pytest.mark.parametrize(
    "asked",
    [
        {"type": "lead", "fields": ["lead_id"], "filter": {"rules": [{"lhv": "email", "op": "is equal to", "rhv": "planted000@acme.example"}]}},
        {"type": "event", "fields": ["event_id", "lead.email"]},
        {"type": "lead", "fields": ["lead_id", "custom"]},
        {"type": "lead", "fields": ["lead_id", "landing_page"]},
    ],
)  # fmt: skip
def test_the_guesses_would_tell_whoever_sees_addresses(twins: Twins, asked: dict[str, Any]) -> None:
    """So that the test above can fail."""
    first, second = twins.ask({**asked, "format": "csv", "owner": "boss"}, "boss", "run")
    assert first != second
