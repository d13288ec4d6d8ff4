"""A second small model of what docs/access.md promises, written without the program: which door is open to whom, for every
kind of limit. It shares nothing with the package; model.py has the words of personal fields."""

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from export_pipelines_tests.access.model import FIELDS, FLOWS, KEYS, ORDER, TODAY, WINDOW_START, word

PERMISSIONS = ["view", "create", "download", "admin"]
AXES = ["flows", "types", "pii", "dates", "rows", "destinations", "min_group"]
TYPES = ["lead", "event", "report"]
EVENT_FIELDS = {"event_id": "lead_id", "event_type": "outcome", "lead.email": "email", "lead.city": "city", "lead.state": "state"}  # fmt: skip
COLUMNS = {
    "lead": [id for id in FIELDS if id != "lead_id"],
    "event": [id for id in EVENT_FIELDS if id != "event_id"],
}
FIRST_COLUMN = {"lead": "lead_id", "event": "event_id"}
PLACES = {
    "folder": "analytics/leads",
    "s3": "acme-exports/leads/",
    "email": "partner@acme.example",
    "sftp": "sftp.acme.example",
    "webhook": "https://hooks.acme.example/leads",
    "download": "",
}
GLOBS = {
    "folder": ["analytics/*", "out/*"],
    "s3": ["acme-exports/*", "other/*"],
    "email": ["*@ACME.example", "*@other.example"],
    "sftp": ["SFTP.acme.example", "*.other.example"],
    "webhook": ["https://hooks.acme.example/*", "https://other.example/*"],
}
MOST_ROWS = 5_000_000


@dataclass
class Role:
    permissions: list[str] = field(default_factory=lambda: list(PERMISSIONS))
    flows: list[str] | None = None
    types: list[str] | None = None
    pii: dict[str, str] | None = None
    days_back: int | None = None
    max_rows: int | None = None
    min_group: int | None = None
    destinations: dict[str, Any] | None = None

    def as_yaml(self) -> dict[str, Any]:
        keys = ("flows", "types", "pii", "days_back", "max_rows", "min_group", "destinations")
        scope = {key: value for key in keys if (value := getattr(self, key)) is not None}
        return {"permissions": self.permissions, "scope": scope}

    @property
    def first_day(self) -> int:
        return TODAY - self.days_back if self.days_back else -10_000


@dataclass
class Export:
    type: str = "lead"
    columns: list[str] = field(default_factory=lambda: ["lead_id", "email", "state"])
    flows: list[str] = field(default_factory=list)
    where: str | None = None
    sort: str | None = None
    group_by: str | None = None
    limit: int | None = None
    deliver: str | None = None

    def as_yaml(self, place: Any) -> dict[str, Any]:
        text: dict[str, Any] = {
            "type": self.type,
            "format": "csv",
            "owner": "own",
            "partition": "monthly",
            "start": "2024-01-01",
        }
        text |= {"fields": self.columns} if self.type != "report" else {"over": "leads", "metrics": ["leads"]}
        chosen: dict[str, Any] = {"flows": self.flows} if self.flows else {}
        chosen |= {"rules": [{"lhv": self.where, "op": "is not blank"}]} if self.where else {}
        text |= {"filter": chosen} if chosen else {}
        text |= {"sort": [self.sort]} if self.sort else {}
        text |= {"group_by": [self.group_by]} if self.group_by else {}
        text |= {"limits": {"rows": self.limit}} if self.limit else {}
        return text | ({"deliver": [place]} if self.deliver else {})


@dataclass
class Answer:
    """What a door gives: the axes on which whoever asked gets less, and what the file then is."""

    lost: set[str]
    flows: set[frozenset[str]]
    columns: dict[str, str]
    cut_at: int | None
    stops_at: int
    min_group: int | None


def treatment(role: Role, id: str) -> str:
    """Of a column of leads or events, whose keys are those of the lead."""
    return word(role.pii, EVENT_FIELDS.get(id, id))


def allows(role: Role, kind: str) -> bool:
    if role.destinations is None:
        return kind != "download" or "download" in role.permissions
    if kind == "download":
        return bool(role.destinations.get("download")) and "download" in role.permissions
    fold = str.lower if kind in ("email", "sftp") else str
    globs = role.destinations.get(kind, [])
    return any(fnmatchcase(fold(PLACES[kind]), fold(glob)) for glob in globs)


def compared(export: Export) -> list[str]:
    return [id for id in (export.where, export.sort, export.group_by) if id]


def refuses(role: Role, export: Export) -> bool:
    """What cannot be narrowed."""
    return (
        (role.types is not None and export.type not in role.types)
        or (export.deliver is not None and not allows(role, export.deliver))
        or any(treatment(role, id) != "keep" for id in compared(export))
    )


def lost_by(role: Role, export: Export, owner: Role | None) -> set[str]:
    """The axes on which the role gives less; `owner` is the owner's role, None where it is the owner's itself."""
    lost = set()
    if role.flows and not (export.flows and set(export.flows) <= set(role.flows)):
        lost.add("flows")
    if role.first_day > WINDOW_START:
        lost.add("dates")
    if export.type != "report" and any(treatment(role, id) != "keep" for id in export.columns):
        lost.add("pii")
    if owner is None:
        bound = export.limit or 0
    else:
        bound = min(export.limit or MOST_ROWS, owner.max_rows or MOST_ROWS)
    if role.max_rows and role.max_rows < bound:
        lost.add("rows")
    if owner and export.type == "report" and (role.min_group or 0) > (owner.min_group or 0):
        lost.add("min_group")
    return lost


def acting(roles: list[Role], export: Export, permission: str, owner: Role | None) -> Role | None:
    """The role that is acted in; None where none has the permission, or all refuse. An owner's has to give everything."""
    able = [role for role in roles if permission in role.permissions]
    whole = [role for role in able if not refuses(role, export) and not lost_by(role, export, owner)]
    narrow = [role for role in able if not refuses(role, export)] if owner else []
    return next(iter([*whole, *narrow]), None)


def answer(owners: list[Role], askers: list[Role] | None, export: Export, permission: str) -> Answer | None:
    """Of plan, preview, run and all that begins one; None where it is denied. Without `askers` the owner alone acts."""
    owner = acting(owners, export, "create", None)
    if owner is None:
        return None
    asker = acting(askers, export, permission, owner) if askers is not None else Role()
    if asker is None:
        return None
    bound = min(export.limit or MOST_ROWS, owner.max_rows or MOST_ROWS)
    cut = asker.max_rows if asker.max_rows and asker.max_rows < bound else None
    columns = {}
    for id in export.columns if export.type != "report" else ():
        done = max(treatment(owner, id), treatment(asker, id), key=ORDER.index)
        if done != "remove":
            columns[id] = done
    return Answer(
        lost_by(asker, export, owner),
        {frozenset(flows) for flows in (export.flows, owner.flows, asker.flows) if flows},
        columns,
        cut if export.type != "report" else None,
        min(bound, asker.max_rows or bound) if export.type == "report" else bound,
        max(owner.min_group or 0, asker.min_group or 0) or None if export.type == "report" else None,
    )


def may_deliver(people: list[list[Role]], export: Export, kind: str, rows: int) -> bool:
    """Whether an artifact, made when everybody might do everything, may go to a place today: each of the people needs one
    role that covers all of it."""
    return all(any(_covers(role, export, kind, rows) for role in roles) for roles in people)


def _covers(role: Role, export: Export, kind: str, rows: int) -> bool:
    return (
        "create" in role.permissions
        and (role.types is None or export.type in role.types)
        and allows(role, kind)
        and all(treatment(role, id) == "keep" for id in compared(export))
        and not lost_by(role, export, None) & {"flows", "dates", "pii"}
        and not (role.max_rows and rows > role.max_rows)
        and not (export.type == "report" and role.min_group)
    )


def narrow_role(axis: str | None, without: str | None = None) -> Role:
    """A role that may everything but on one axis, and without one permission."""
    role = Role([permission for permission in PERMISSIONS if permission != without])
    match axis:
        case "flows":
            role.flows = ["Auto insurance"]
        case "types":
            role.types = ["event"]
        case "pii":
            role.pii = {"default": "keep", "email": "hash"}
        case "dates":
            role.days_back = 20
        case "rows":
            role.max_rows = 7
        case "destinations":
            role.destinations = {"folder": ["elsewhere/*"]}
        case "min_group":
            role.min_group = 5
    return role


def some_role(chance: random.Random, wide: float = 0.0) -> Role:
    """At random; with the chance `wide` it may everything, or all but one thing."""
    if chance.random() < wide:
        return narrow_role(chance.choice([None, None, *AXES]))
    role = Role(chance.sample(PERMISSIONS, chance.choice([1, 2, 3, 4, 4, 4])))
    if chance.random() < 0.4:
        role.flows = chance.sample(FLOWS, chance.randint(1, 3))
    if chance.random() < 0.3:
        role.types = chance.sample(TYPES, chance.randint(1, 3))
    if chance.random() < 0.6:
        role.pii = {key: chance.choice(ORDER) for key in chance.sample(KEYS, chance.randint(1, 5))}
        role.pii |= {"default": "keep"} if chance.random() < 0.6 else {}
        role.pii |= {key: "hash" for key in ("gender", "state") if role.pii.get(key) == "redact"}
    if chance.random() < 0.3:
        role.days_back = chance.randint(1, 60)
    if chance.random() < 0.3:
        role.max_rows = chance.randint(1, 60)
    if chance.random() < 0.3:
        role.min_group = chance.randint(2, 9)
    if chance.random() < 0.4:
        kinds = chance.sample(list(GLOBS), chance.randint(0, 5))
        role.destinations = {kind: chance.sample(GLOBS[kind], chance.randint(1, 2)) for kind in kinds}
        role.destinations |= {"download": True} if chance.random() < 0.5 else {}
    return role


def some_export(chance: random.Random) -> Export:
    type = chance.choice(["lead", "lead", "event", "report"])
    export = Export(type, [])
    if type == "report":
        export.group_by = chance.choice(["state", "outcome", "flow.name"])
    else:
        columns = chance.sample(COLUMNS[type], chance.randint(1, 4))
        export.columns = [FIRST_COLUMN[type], *columns]
        export.sort = chance.choice([None, None, FIRST_COLUMN[type]])
    if chance.random() < 0.3:
        export.where = chance.choice(COLUMNS["event" if type == "event" else "lead"])
    if chance.random() < 0.3:
        export.flows = chance.sample(FLOWS, chance.randint(1, 2))
    if chance.random() < 0.2:
        export.limit = chance.randint(1, 80)
    if chance.random() < 0.5:
        export.deliver = chance.choice(list(PLACES))
    return export
