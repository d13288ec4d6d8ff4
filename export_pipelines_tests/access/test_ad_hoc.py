"""An ad-hoc export has the rights of who asks, never more, whoever runs it; a file of the same words is refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.definition import ad_hoc_definition
from export_pipelines.errors import Denied
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines_tests.access.policies import CATALOG, policy_of
from export_pipelines_tests.plan.leads import KEYS

WRITTEN: dict[str, Any] = {
    "type": "lead",
    "format": "csv",
    "fields": ["lead_id", "email", "first_name", "state"],
}
NOW = datetime(2024, 2, 1, tzinfo=UTC)


def planned(
    folder: Path, asker: str | None, owner: str = "ana", name: str = "request_1", **more: Any
) -> Plan:
    definition = ad_hoc_definition(name, {**WRITTEN, "owner": owner, **more}, CATALOG)
    window = window_between("2024-01-20", "2024-01-25")
    asked = PlanRequest(definition, window, CATALOG, "sqlite", KEYS)
    return compile_plan(with_rights(asked, policy_of(folder), asker, "create", NOW))


@pytest.mark.parametrize("asker", ["ana", None])
def test_it_is_narrowed_to_the_rights_of_its_owner_whoever_runs_it(tmp_path: Path, asker: str | None) -> None:
    plan = planned(tmp_path, asker)
    assert {column.id: column.mask for column in plan.masking.columns} == {
        "lead_id": None,
        "email": "hash",
        "state": None,
    }
    assert plan.rights
    assert (plan.rights.owner, plan.rights.asker) == ("ana", "ana")
    assert "flows other than Auto insurance" in plan.rights.narrowed


def test_somebody_else_runs_it_with_their_own_rights(tmp_path: Path) -> None:
    rights = planned(tmp_path, "boss").rights
    assert rights
    assert (rights.owner, rights.asker, rights.narrowed) == ("ana", "boss", ())
    with pytest.raises(Denied, match="create"):
        planned(tmp_path, "rita")


@pytest.mark.parametrize(
    ("owner", "more"),
    [
        ("rita", {}),
        ("gone", {}),
        ("ana", {"type": "event", "fields": ["event_id"]}),
        ("ana", {"filter": {"rules": [{"lhv": "email", "op": "is not blank"}]}}),
        (
            "ana",
            {"deliver": [{"folder": {"path": "a"}}], "sort": ["lead_id"], "type": "event", "fields": "all"},
        ),
    ],
)
def test_what_cannot_be_narrowed_is_refused(tmp_path: Path, owner: str, more: dict[str, Any]) -> None:
    with pytest.raises(Denied):
        planned(tmp_path, owner, owner, **more)


def test_the_same_words_in_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Denied, match="the owner ana"):
        planned(tmp_path, "ana", name="a_file")
