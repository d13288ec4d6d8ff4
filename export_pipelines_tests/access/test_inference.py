"""Whoever may not see an address learns nothing of it: two stores that differ in planted addresses alone answer alike."""

import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from export_pipelines.access import Policy
from export_pipelines.definition import load_definition
from export_pipelines.errors import Denied, RequestError
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines.read.open_source import open_source
from export_pipelines.run.write_parts import write_parts
from export_pipelines_tests.access.policies import CATALOG, policy_of
from export_pipelines_tests.access.test_model import NOW
from export_pipelines_tests.encode.tables import MemoryStore

WINDOW = window_between("2024-01-01", "2024-02-01")
TRIES, PLANTED = 150, 100
POLICY = """\
roles:
  all: {permissions: [view, create]}
  blind:
    permissions: [view, create]
    scope: {pii: {default: keep, email: remove, custom: remove, landing_page: remove, comments: remove, trustedform_cert_url: remove}}
principals:
  boss: {roles: [all]}
  bo: {roles: [blind]}
"""
OPS = ("is equal to", "is not equal to", "is included in", "includes", "does not include", "matches pattern", "is blank", "is not blank", "format is valid", "is less than")  # fmt: skip
LEFT = ("email", "email.user", "email.domain", "email.host", "email.tld", "email.is_free", "email.valid", "custom", "state", "first_name", "email_2")  # fmt: skip


@pytest.fixture(scope="module")
def stores(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """URLs of two stores, and the planted addresses; in the second each of their users is another."""
    folder, urls = tmp_path_factory.mktemp("planted"), []
    users = [f"planted{n:03d}" for n in range(PLANTED)]
    for number in range(2):
        file = folder / f"{number}.db"
        shutil.copy(store_url.removeprefix("sqlite:///"), file)
        with sqlite3.connect(file) as connection:
            ids = connection.execute(f"SELECT lead_id FROM leads ORDER BY lead_id LIMIT {PLANTED}").fetchall()
            for n, (id,) in enumerate(ids):
                user = users[n] if number == 0 else users[(n + 37) % PLANTED] + "x"
                connection.execute(
                    "UPDATE leads SET email = ? WHERE lead_id = ?", (f"{user}@acme.example", id)
                )
        urls.append(f"sqlite:///{file}")
    return urls, [f"{user}@acme.example" for user in users]


def guess(chance: random.Random, addresses: list[str]) -> dict[str, Any]:
    """An export that asks about a planted address."""
    address = chance.choice(addresses)
    piece = chance.choice(
        [address, address.split("@")[0], address[:8], "planted", "acme.example", "^planted0[0-4]"]
    )

    def rule() -> dict[str, Any]:
        op = chance.choice(OPS)
        rhv: Any = [piece, "x"] if op == "is included in" else piece
        bare = op in ("is blank", "is not blank", "format is valid")
        return {"lhv": chance.choice(LEFT), "op": op, **({} if bare else {"rhv": rhv})}

    asked: dict[str, Any] = {"owner": "boss", "filter": {}}
    kind = chance.choice(["rule", "set", "where", "report"])
    if kind == "rule":
        asked["filter"] = {"rules": [rule()]}
    elif kind == "set":
        asked["filter"] = {"rules": [{"op": chance.choice(["and", "or"]), "rules": [rule(), rule()]}]}
    elif kind == "where":
        asked["filter"] = {"where": {chance.choice(LEFT): piece}}
    if kind == "report":
        group = chance.choice(["email.domain", "state", "email.tld", "email.user", "email"])
        asked |= {
            "type": "report",
            "format": "csv",
            "over": "leads",
            "metrics": ["leads"],
            "group_by": [group],
        }
        if chance.random() < 0.7:
            asked["filter"] = {"rules": [rule()]}
    else:
        asked |= {
            "type": "lead",
            "format": "csv",
            "fields": chance.choice(
                [["lead_id", "state"], ["lead_id", "email", "email.domain", "custom", "email_2"]]
            ),
        }
    return asked


def plan_of(request: PlanRequest, policy: Policy) -> Plan | str:
    """What is made for bo, or the text of the refusal."""
    try:
        return compile_plan(with_rights(request, policy, "bo", "create", NOW))
    except Denied as error:
        return str(error)


def answer(url: str, plan: Plan) -> tuple[int, tuple[bytes, ...]]:
    """What bo gets: the count, and the bytes of the file."""
    source, parts = open_source(url), MemoryStore()
    write_parts(plan, source.read(plan.query), parts.open_part, Keys())
    return source.count(plan.query), tuple(parts.parts.values())


def test_no_answer_depends_on_an_address(stores: tuple[list[str], list[str]], tmp_path: Path) -> None:
    urls, addresses = stores
    policy, chance, refused, given = policy_of(tmp_path, POLICY), random.Random(1), 0, 0
    for _ in range(TRIES):
        file = tmp_path / "guess.yaml"
        file.write_text(yaml.safe_dump(guess(chance, addresses)), encoding="utf-8")
        try:
            request = PlanRequest(load_definition(file, CATALOG), WINDOW, CATALOG, "sqlite")
            plan = plan_of(request, policy)
        except RequestError:  # whoever asks
            continue
        if isinstance(plan, str):
            assert not any(address.split("@")[0] in plan for address in addresses)
            refused += 1
        else:
            one, other = (answer(url, plan) for url in urls)
            assert one == other, file.read_text()
            assert not any(b"planted" in part for part in one[1])
            given += 1
    assert refused > 20 and given > 10


def test_the_guesses_would_tell_whoever_sees_addresses(
    stores: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    """So that the test above can fail."""
    urls, addresses = stores
    file = tmp_path / "guess.yaml"
    rule = {"lhv": "email", "op": "is equal to", "rhv": addresses[0]}
    asked = {
        "type": "lead",
        "format": "csv",
        "owner": "boss",
        "fields": ["lead_id"],
        "filter": {"rules": [rule]},
    }
    file.write_text(yaml.safe_dump(asked), encoding="utf-8")
    request = PlanRequest(load_definition(file, CATALOG), WINDOW, CATALOG, "sqlite")
    policy = policy_of(tmp_path, POLICY.replace("roles: [blind]", "roles: [all]"))
    plan = plan_of(request, policy)
    assert not isinstance(plan, str)
    one, other = (answer(url, plan) for url in urls)
    assert one != other
