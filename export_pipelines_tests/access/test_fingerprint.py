"""What rights narrow is other content; rights that narrow nothing leave the content what it is without access.yaml."""

from pathlib import Path

import pytest

from export_pipelines.definition import load_definition
from export_pipelines.plan import Plan, PlanRequest, bind, compile_plan
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.plan import PlanDraft
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines_tests.access.policies import CATALOG, policy_of
from export_pipelines_tests.access.test_model import NOW
from export_pipelines_tests.plan.leads import KEYS

WINDOW = window_between("2024-01-01", "2024-02-01")
LEADS = """\
type: lead
format: csv
owner: boss
fields: [lead_id, email, state]
filter: {flows: [Auto insurance]}
limits: {rows: 1000}
"""
REPORT = "type: report\nformat: csv\nowner: boss\nmetrics: [leads]\nover: leads\ngroup_by: [state]\n"
POLICY = """\
roles:
  all: {{permissions: [view, create]}}
  some:
    permissions: [view, create]
    scope: {{{scope}}}
principals:
  boss: {{roles: [all]}}
  bo: {{roles: [some]}}
"""


def request_of(folder: Path, text: str = LEADS) -> PlanRequest:
    file = folder / "asked.yaml"
    file.write_text(text, encoding="utf-8")
    return PlanRequest(load_definition(file, CATALOG), WINDOW, CATALOG, "sqlite", KEYS)


def granted(folder: Path, scope: str, text: str = LEADS) -> PlanRequest:
    """As bo, whose role has the scope, asks for it."""
    policy = policy_of(folder, POLICY.format(scope=scope))
    return with_rights(request_of(folder, text), policy, "bo", "create", NOW)


def print_of(request: PlanRequest) -> str:
    return fingerprint(compile_plan(request))


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "types: [lead]",
        "flows: [auto Insurance, Personal loans]",
        "days_back: 40",
        "max_rows: 1000",
        "min_group: 5",
        "pii: {default: keep, phone_1: remove}",
        "destinations: {}",
    ],
)
def test_rights_that_narrow_nothing_change_no_fingerprint(tmp_path: Path, scope: str) -> None:
    request = granted(tmp_path, scope)
    assert request.rights and compile_plan(request).rights
    assert print_of(request) == print_of(request_of(tmp_path))


def test_each_narrowing_has_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    scopes = (
        "flows: [Personal loans]",
        "flows: [Solar]",
        "days_back: 20",
        "days_back: 21",
        "max_rows: 7",
        "max_rows: 8",
        "pii: {default: keep, email: hash}",
        "pii: {default: keep, email: mask}",
        "pii: {default: remove}",
    )
    found = {print_of(granted(tmp_path, scope)) for scope in scopes}
    assert len(found | {print_of(request_of(tmp_path))}) == len(scopes) + 1


def test_small_groups_that_are_left_out_are_other_content(tmp_path: Path) -> None:
    scopes = ("min_group: 5", "min_group: 6")
    found = {print_of(granted(tmp_path, scope, REPORT)) for scope in scopes}
    assert len(found | {print_of(request_of(tmp_path, REPORT))}) == 3


def as_json(plan: Plan) -> PlanDraft:
    return PlanDraft.model_validate(plan.model_dump(mode="json"))


@pytest.mark.parametrize("scope", ["flows: [Personal loans]", "pii: {default: remove}", "max_rows: 7"])
def test_a_plan_that_waited_is_not_run_by_wider_rights_of_before(tmp_path: Path, scope: str) -> None:
    draft = as_json(compile_plan(granted(tmp_path, "")))
    assert bind(draft, granted(tmp_path, "")) == draft
    with pytest.raises(Exception, match="the rights of its people have changed"):
        bind(draft, granted(tmp_path, scope))


def test_a_report_that_waited_is_not_run_by_wider_rights_of_before(tmp_path: Path) -> None:
    draft = as_json(compile_plan(granted(tmp_path, "", REPORT)))
    assert bind(draft, granted(tmp_path, "", REPORT)) == draft
    with pytest.raises(Exception, match="the rights of its people have changed"):
        bind(draft, granted(tmp_path, "min_group: 5", REPORT))


def test_a_plan_that_waited_is_not_run_without_the_rights_that_came(tmp_path: Path) -> None:
    draft = as_json(compile_plan(request_of(tmp_path)))
    with pytest.raises(Exception, match="the rights of its people have changed"):
        bind(draft, granted(tmp_path, ""))
    with pytest.raises(Exception, match="the rights of its people have changed"):
        bind(as_json(compile_plan(granted(tmp_path, ""))), request_of(tmp_path))
