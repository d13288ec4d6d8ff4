"""How the plans of a run travel between ops: what they share is there once, and every plan arrives as it was sent."""

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.orchestration.plan_edges import drafts_of, wire_drafts
from export_pipelines.plan import STEP, PlanDraft, PlanRequest, blank_draft
from export_pipelines.plan.compile import STEPS
from export_pipelines.plan.window import window_between

DAYS = 4
EXPORT = """\
type: lead
format: csv
fields: [lead_id, submitted_at, email, state, price]
filter: {where: {state: [CA]}}
privacy: {email: remove}
"""
SAME = ("projection", "masking", "encoding", "compression")


def drafts_after(folder: Path, step: str) -> list[PlanDraft]:
    path = folder / "days.yaml"
    path.write_text(EXPORT)
    catalog = load_catalog(None)
    definition, first = load_definition(path, catalog), datetime(2024, 1, 1, tzinfo=UTC)
    drafts = []
    for day in range(DAYS):
        window = window_between(first + timedelta(day), first + timedelta(day + 1))
        request, draft = PlanRequest(definition, window, catalog, "sqlite", {}), blank_draft(definition)
        for name, _ in STEPS:
            draft = STEP[name](draft, request)
            if name == step:
                break
        drafts.append(draft)
    return drafts


def test_drafts_arrive_as_they_were_sent(tmp_path: Path) -> None:
    for step, _ in STEPS:
        sent = drafts_after(tmp_path, step)
        edge = wire_drafts(sent)
        assert edge == [draft.model_dump(mode="json") for draft in sent], step
        assert drafts_of(pickle.loads(pickle.dumps(edge))) == sent, step
        assert drafts_of([*edge[:1], *wire_drafts(sent[1:])]) == sent, step  # without what they share


def test_what_drafts_share_is_one_object_on_the_edge_and_behind_it(tmp_path: Path) -> None:
    edge = pickle.loads(pickle.dumps(wire_drafts(drafts_after(tmp_path, "write"))))
    arrived = drafts_of(edge)
    for name in SAME:
        assert len({id(entry[name]) for entry in edge}) == 1, name
        assert len({id(getattr(draft, name)) for draft in arrived}) == 1, name
    assert len({draft.extract.window.key for draft in arrived if draft.extract}) == DAYS


def test_a_section_that_differs_from_the_one_before_is_its_own(tmp_path: Path) -> None:
    first, second, *_ = drafts_after(tmp_path, "write")
    changed = second.model_copy(update={"masking": None, "version": 2, "owner": "billing"})
    sent = [first, changed, second]
    assert drafts_of(pickle.loads(pickle.dumps(wire_drafts(sent)))) == sent


def test_what_another_release_has_added_is_not_asked_about(tmp_path: Path) -> None:
    sent = drafts_after(tmp_path, "write")
    added = {"later": None, "much_later": {"section": [1, 2]}}
    edge = [entry | added for entry in wire_drafts(sent)]
    assert drafts_of(pickle.loads(pickle.dumps(edge))) == sent


def test_parts_of_a_section_that_differs_are_shared_too(tmp_path: Path) -> None:
    edge = pickle.loads(pickle.dumps(wire_drafts(drafts_after(tmp_path, "write"))))
    queries = [draft.query for draft in drafts_of(edge) if draft.query]
    assert len({id(query) for query in queries}) == DAYS
    assert len({id(entry["query"]["columns"]) for entry in edge}) == 1
    assert len({id(query.sql) for query in queries}) == 1
    assert len({id(query.columns[0]) for query in queries}) == 1
