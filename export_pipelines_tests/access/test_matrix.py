"""Every door against the model of matrix_model.py: permissions, the seven axes of a scope, and who acts.

POLICIES is how many random policies and requests are tried, 40 where it does not say (5000 is the full run)."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from export_pipelines.artifacts import Manifest
from export_pipelines.definition import ExportDefinition, load_definition
from export_pipelines.errors import Denied, ExportError
from export_pipelines.estimate import estimate
from export_pipelines.ledger import AuditAction, AuditEntry
from export_pipelines.ledger.verify_audit import verify_chain
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.window import window_of
from export_pipelines.project import Project
from export_pipelines_tests.access import matrix_model as model
from export_pipelines_tests.access.matrix_model import AXES, PERMISSIONS, Export, Role, narrow_role
from export_pipelines_tests.access.model import TODAY

POLICIES = int(os.environ.get("POLICIES", "40"))
READ_OF, DELIVERED_OF = 12, 2  # every so many policies, rows are read, and older artifacts delivered
NOW = datetime(2024, 1, 1, 8, tzinfo=UTC) + timedelta(days=TODAY - 1)
KEY = "2024-01-01"
SETTINGS: dict[str, Any] = {
    "folder": {"path": model.PLACES["folder"]},
    "s3": {"bucket": "acme-exports", "key": "leads/"},
    "email": {"to": [model.PLACES["email"]], "from": "us@acme.example", "smtp": {"env": "SMTP"}},
    "sftp": {"host": model.PLACES["sftp"], "user": "us", "path": "in", "password": {"env": "SFTP"}},
    "webhook": {"url": model.PLACES["webhook"]},
}
AXIS_OF = {"flows other": "flows", "rows before": "dates", "more than": "rows", "groups of": "min_group"}
MADE = {
    "plain": Export(columns=["lead_id", "email", "state", "city"]),
    "of_a_flow": Export(columns=["lead_id", "phone_1"], flows=["Auto insurance"]),
    "of_a_filter": Export(columns=["lead_id", "state"], where="email"),
    "events": Export("event", ["event_id", "lead.email"]),
    "report": Export("report", [], group_by="state"),
    "filtered_report": Export("report", [], group_by="outcome", where="city"),
}


class Bench:
    """A project whose policy and export change from one cell to the next."""

    def __init__(self, folder: Path, source_url: str) -> None:
        (folder / "exports").mkdir()
        environment = {"HOME": str(folder / "home"), "SOURCE_URL": source_url}
        environment |= {"HASH_KEY": "k" * 32, "MASTER_KEY": "m" * 32}
        self.folder = folder
        self.project = Project.open(
            folder, {f"EXPORT_PIPELINES_{name}": text for name, text in environment.items()}, lambda: NOW
        )
        self.made: dict[str, Manifest] = {}

    def set_policy(self, owners: list[Role], askers: list[Role]) -> None:
        roles = {f"o{n}": role for n, role in enumerate(owners)} | {
            f"a{n}": role for n, role in enumerate(askers)
        }
        data = {
            "roles": {name: role.as_yaml() for name, role in roles.items()},
            "principals": {
                "own": {"roles": [f"o{n}" for n in range(len(owners))]},
                "ask": {"roles": [f"a{n}" for n in range(len(askers))]},
            },
        }
        file = self.folder / "access.yaml.new"
        file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        file.replace(self.folder / "access.yaml")

    def define(self, export: Export, name: str = "cell") -> ExportDefinition:
        place = SETTINGS.get(export.deliver or "")
        entry = {export.deliver: place} if place else export.deliver
        file = self.folder / "exports" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(export.as_yaml(entry), allow_unicode=True), encoding="utf-8")
        return load_definition(file, self.project.catalog)

    def requested(self, definition: ExportDefinition, asker: str | None, permission: str) -> PlanRequest:
        window = window_of(definition, KEY)
        return self.project.request_of(asker, definition, window, permission)  # type: ignore[arg-type]

    def last_denial(self, subject: str) -> AuditEntry | None:
        return self.project.trail.log.last(AuditAction.DENIED, subject)

    def denied(self, door: Callable[[], Any], subject: str, actor: str | None) -> bool:
        """Whether the door is closed; then the audit has to say so."""
        before = self.last_denial(subject)
        try:
            door()
        except Denied as error:
            entry = self.last_denial(subject)
            assert entry and (before is None or entry.id > before.id), subject
            assert entry.detail["sha256"] == hashlib.sha256(str(error).encode()).hexdigest()
            assert (entry.owner, entry.outcome) == ("own", "denied") and actor in (None, entry.actor)
            return True
        return False


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Bench]:
    """With an artifact of each export of MADE, from the time when everybody might do everything."""
    bench = Bench(tmp_path_factory.mktemp("matrix"), store_url)
    bench.set_policy([Role()], [Role()])
    for name, export in MADE.items():
        bench.define(export, name)
    bench.project.__dict__.pop("loaded", None)
    for name in MADE:
        bench.made[name] = bench.project.run(name, KEY).manifest
    yield bench
    bench.project.ledger.engine.dispose()


def require_same(plan: Plan, want: model.Answer, cell: object) -> None:
    assert plan.rights
    axes = {
        next((axis for words, axis in AXIS_OF.items() if text.startswith(words)), "pii")
        for text in plan.rights.narrowed
    }
    assert axes == want.lost, cell
    assert {frozenset(flows) for flows in plan.rights.flows} == want.flows, cell
    assert plan.query.limit == want.cut_at and plan.output.max_rows == want.stops_at, cell
    if plan.report:
        assert plan.report.min_group == want.min_group, cell
    else:
        done = {column.id: str(column.mask or "keep") for column in plan.masking.columns}
        assert done == want.columns, cell


def try_doors(
    bench: Bench, owners: list[Role], askers: list[Role], export: Export, compiles: bool = False
) -> set[str]:
    """Holds the doors that plan against the model, the plan of a run too, and with `compiles` each plan; returns those that
    were closed."""
    bench.set_policy(owners, askers)
    definition, closed = bench.define(export), set()
    for door, asker, permission in (
        ("plan", "ask", "view"),
        ("run", "ask", "create"),
        ("schedule", None, "create"),
    ):
        want = model.answer(owners, askers if asker else None, export, permission)
        cell = (door, owners, askers, export)
        got: list[PlanRequest] = []
        if bench.denied(
            lambda: got.append(bench.requested(definition, asker, permission)),  # noqa: B023
            f"cell/{KEY}",
            asker,
        ):
            assert want is None, cell
            closed.add(door)
        else:
            assert want is not None, cell
            if door == "run" or compiles:
                require_same(compile_plan(got[0]), want, cell)
    return closed


def try_deliveries(bench: Bench, owners: list[Role], askers: list[Role], name: str, kind: str) -> set[str]:
    """Holds retries, by the owner's rights, and re-deliveries that somebody asks for against the model."""
    bench.set_policy(owners, askers)
    manifest, export, closed = bench.made[name], MADE[name], set()
    (settings,) = bench.define(Export(deliver=kind), "place").deliver
    for door, asker, people in (("retry", None, [owners]), ("re-deliver", "ask", [owners, askers])):
        want = model.may_deliver(people, export, kind, manifest.rows)
        shut = bench.denied(
            lambda: bench.project.require_deliverable(manifest, settings, asker),  # noqa: B023
            manifest.artifact,
            asker,
        )
        assert shut != want, (door, owners, askers, name, kind)
        closed |= {door} if shut else set()
    return closed


CELL = Export(columns=["lead_id", "email", "state"], limit=100, deliver="folder")
CELL_REPORT = Export("report", [], group_by="state", deliver="folder")


@pytest.mark.parametrize("axis", [None, *AXES])
def test_each_permission_and_axis_at_each_door(stocked: Bench, axis: str | None) -> None:
    """The matrix itself: what the requester lacks, and what the owner lacks."""
    closed = set()
    cells: list[tuple[str | None, Export, str]] = [(None, CELL, "plain"), (None, CELL_REPORT, "report")]
    cells += [(without, CELL, "plain") for without in PERMISSIONS]
    for without, export, name in cells:
        narrow, whole = narrow_role(axis, without), without is None
        closed |= {("ask", door) for door in try_doors(stocked, [Role()], [narrow], export, whole)}
        closed |= {("own", door) for door in try_doors(stocked, [narrow], [Role()], export, whole)}
        closed |= {("ask", door) for door in try_deliveries(stocked, [Role()], [narrow], name, "folder")}
        closed |= {("own", door) for door in try_deliveries(stocked, [narrow], [Role()], name, "folder")}
    assert {("ask", "run"), ("own", "schedule"), ("own", "retry"), ("ask", "re-deliver")} <= closed
    assert verify_chain(stocked.project.ledger.engine).faults == ()


def test_random_policies_and_requests_are_as_the_model_says(stocked: Bench) -> None:
    chance, shut, open_doors, read = random.Random(17), 0, 0, 0
    for number in range(POLICIES):
        owners = [model.some_role(chance, wide=0.8) for _ in range(chance.choice([1, 1, 2]))]
        askers = [model.some_role(chance, wide=0.2) for _ in range(chance.choice([1, 1, 2, 3]))]
        export = model.some_export(chance)
        closed = try_doors(stocked, owners, askers, export)
        if number % READ_OF == 0 and "run" not in closed:
            require_rows(stocked, owners, askers, export)
            read += 1
        if number % DELIVERED_OF == 0:
            name, kind = chance.choice(list(MADE)), chance.choice(list(model.PLACES))
            closed |= try_deliveries(stocked, owners, askers, name, kind)
        shut, open_doors = shut + len(closed), open_doors + 3 - len(closed & {"plan", "run", "schedule"})
    assert shut > POLICIES / 2 and open_doors > POLICIES / 4 and (read or POLICIES < 100)
    assert verify_chain(stocked.project.ledger.engine).faults == ()


def require_rows(bench: Bench, owners: list[Role], askers: list[Role], export: Export) -> None:
    """That a run, a preview and an estimate give no row that the model does not give."""
    definition = bench.define(export)
    plan = compile_plan(bench.requested(definition, "ask", "create"))
    want = model.answer(owners, askers, export, "create")
    assert want is not None
    source, project = bench.project.source(), bench.project
    rows = [row for batch in source.read(plan.query) for row in batch.to_pylist()]
    assert len(rows) <= (want.cut_at or len(rows))
    try:
        expected = estimate(plan, source, project.settings)
    except ExportError as error:  # as the run would
        assert error.code in ("limit", "data"), error
        return
    if export.type != "report":
        assert expected.rows == len(rows)
    allowed = set.intersection(*map(set, want.flows)) if want.flows else None
    for row in rows:
        if allowed is not None and "flow.name" in row:
            assert row["flow.name"] in allowed
