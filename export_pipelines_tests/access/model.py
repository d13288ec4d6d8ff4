"""A small model of what docs/access.md promises, written without the program: who gets which rows and columns.

It knows plain fields of leads only, by a table of its own."""

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

ORDER = ["keep", "mask", "redact", "tokenize", "hash", "remove"]
FIELDS = {  # id: type, class, whether people type it
    "lead_id": ("id", "none", False),
    "submitted_at": ("timestamp", "none", False),
    "flow.name": ("text", "none", False),
    "state": ("state", "none", False),
    "outcome": ("text", "none", False),
    "first_name": ("name", "direct", True),
    "last_name": ("name", "direct", True),
    "email": ("email", "direct", True),
    "email_2": ("email", "direct", True),
    "phone_1": ("phone", "direct", True),
    "phone_2": ("phone", "direct", True),
    "dob": ("dob", "direct", False),
    "gender": ("gender", "sensitive", False),
    "city": ("city", "indirect", True),
    "postal_code": ("postal_code", "indirect", True),
    "ip_address": ("ip", "indirect", False),
    "landing_page": ("url", "indirect", True),
    "comments": ("text", "direct", True),
}
FLOWS = ["Personal loans", "Auto insurance", "Solar, residential", "Home équité"]
TYPES = ["lead", "event", "report"]
KEYS = ["default", "direct", "indirect", "sensitive", "email", "phone", "name", "first_name", "email_2", "phone_*", "*_1", "city", "state", "comments", "p*", "gender"]  # fmt: skip
WINDOW_START, TODAY, LAST = 1, 36, 31  # days from 2024-01-01 on: of the window, and when it is asked


@dataclass
class Role:
    permissions: list[str]
    flows: list[str] | None = None
    types: list[str] | None = None
    pii: dict[str, str] | None = None
    days_back: int | None = None
    max_rows: int | None = None

    def as_yaml(self) -> dict[str, Any]:
        scope = {key: getattr(self, key) for key in ("flows", "types", "pii", "days_back", "max_rows")}
        return {"permissions": self.permissions, "scope": {k: v for k, v in scope.items() if v is not None}}


@dataclass
class Asked:
    fields: list[str]
    flows: list[str] = field(default_factory=list)
    where: str | None = None
    sort: str | None = None
    privacy: dict[str, str] = field(default_factory=dict)


@dataclass
class RunOverrides:
    """What the model says: the columns with what is done to each, in order, and which rows."""

    columns: dict[str, str]
    flows: list[set[str]]
    first_day: int
    max_rows: int | None


def word(pii: dict[str, str] | None, id: str) -> str:
    if pii is None:
        return "keep"
    type, group, typed = FIELDS[id]
    tries = [
        [pii[id]] if id in pii else [],
        [one for key, one in pii.items() if "*" in key and fnmatchcase(id, key)],
        [pii[type]] if type in pii else [],
    ]
    if group != "none":
        tries += [[pii[group]] if group in pii else [], [pii.get("default", "remove")]]
    found = next((max(one, key=ORDER.index) for one in tries if one), "keep")
    return "remove" if found == "redact" and not typed else found


def given(role: Role, asked: Asked, permission: str) -> RunOverrides | None:
    """What a requester in one role gets of a lead export whose owner may everything; None where they are refused."""
    if permission not in role.permissions or (role.types is not None and "lead" not in role.types):
        return None
    compared = [*([asked.where] if asked.where else []), *([asked.sort] if asked.sort else [])]
    compared += ["flow.name"] if asked.flows else []
    if any(word(role.pii, id) != "keep" for id in compared):
        return None
    columns = {}
    for id in asked.fields:
        done = max(word(role.pii, id), asked.privacy.get(id, "keep"), key=ORDER.index)
        if done != "remove":
            columns[id] = done
    if not columns:
        return None
    flows = [set(one) for one in (asked.flows, role.flows) if one]
    first = max(WINDOW_START, TODAY - role.days_back) if role.days_back else WINDOW_START
    return RunOverrides(columns, flows, first, role.max_rows)


def some_role(chance: random.Random) -> Role:
    pii = None
    if chance.random() < 0.85:
        pii = {key: chance.choice(ORDER) for key in chance.sample(KEYS, chance.randint(1, 7))}
        for closed in ("gender", "state"):  # of which `redact` is a fault of the file
            if pii.get(closed) == "redact":
                pii[closed] = "hash"
    return Role(
        chance.sample(["view", "create", "download", "admin"], chance.randint(1, 4)),
        chance.sample(FLOWS, chance.randint(1, 3)) if chance.random() < 0.6 else None,
        chance.sample(TYPES, chance.randint(1, 3)) if chance.random() < 0.4 else None,
        pii,
        chance.randint(1, 60) if chance.random() < 0.5 else None,
        chance.randint(1, 40) if chance.random() < 0.3 else None,
    )


def some_request(chance: random.Random) -> Asked:
    chosen = chance.sample(list(FIELDS), chance.randint(1, 9))
    personal = [id for id in chosen if FIELDS[id][1] != "none"]
    privacy = {}
    if personal and chance.random() < 0.3:
        privacy = {
            id: chance.choice([one for one in ORDER if one != "redact" or FIELDS[id][2]]) for id in personal
        }
    return Asked(
        chosen,
        chance.sample(FLOWS, chance.randint(1, 3)) if chance.random() < 0.4 else [],
        chance.choice(list(FIELDS)[2:]) if chance.random() < 0.3 else None,
        chance.choice(["lead_id", "submitted_at"]) if chance.random() < 0.2 else None,
        privacy,
    )
