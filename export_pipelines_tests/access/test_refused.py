"""A filter, a sort or a group over what is not seen in clear is refused, with its line, wherever the value lies."""

from pathlib import Path

import pytest

from export_pipelines.definition import load_definition
from export_pipelines.errors import Denied
from export_pipelines.plan import PlanRequest
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import window_between
from export_pipelines_tests.access.policies import CATALOG, policy_of
from export_pipelines_tests.access.test_model import NOW
from export_pipelines_tests.plan.leads import KEYS

POLICY = """\
roles:
  all: {permissions: [view, create]}
  blind:
    permissions: [view, create]
    scope: {pii: {default: remove, price: remove, source.name: remove}}
principals:
  boss: {roles: [all]}
  bo: {roles: [blind]}
"""
LEAD = "type: lead\nformat: csv\nowner: boss\nfields: [lead_id, state]\n"
EVENT = "type: event\nformat: csv\nowner: boss\nfields: [event_id]\n"
REPORT = "type: report\nformat: csv\nowner: boss\nmetrics: [leads]\nover: leads\n"


def rule(lhv: str, op: str = "is not blank") -> str:
    return f"filter:\n  rules:\n    - {{lhv: {lhv}, op: {op}}}\n"


def asked(folder: Path, text: str) -> None:
    file = folder / "asked.yaml"
    file.write_text(text, encoding="utf-8")
    window = window_between("2024-01-01", "2024-02-01")
    request = PlanRequest(load_definition(file, CATALOG), window, CATALOG, "sqlite", KEYS)
    with_rights(request, policy_of(folder, POLICY), "bo", "create", NOW)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (LEAD + rule("email"), 7, "filter by email"),
        (LEAD + rule("email.user"), 7, "filter by email.user"),
        (LEAD + rule("phone_1.exchange"), 7, "filter by phone_1.exchange"),
        (LEAD + rule("postal_code.zip"), 7, "filter by postal_code.zip"),
        (LEAD + rule("postal_code.fsa"), 7, "filter by postal_code.fsa"),
        (LEAD + rule("dob.age"), 7, "filter by dob.age"),
        (LEAD + rule("appended.geo.lat"), 7, "filter by appended.geo.lat"),
        (LEAD + "filter:\n  where: {city: Rome}\n", 6, "filter by city"),
        (LEAD + "filter:\n  sources: [Google]\n", 6, "filter by source.name"),
        (LEAD + "filter:\n  rules:\n    - op: or\n      rules:\n        - {lhv: state, op: is blank}\n        - {lhv: gender, op: is blank}\n", 10, "filter by gender"),
        (EVENT + rule("lead.email"), 7, "filter by lead.email"),
        (EVENT + rule("email"), 7, "filter by lead.email"),
        (EVENT + rule("lead.appended.geo.lat") if "lead.appended.geo.lat" in CATALOG.dataset("events").by_id else EVENT + rule("lead.city"), 7, "filter by lead."),
        (REPORT + rule("email.user"), 8, "filter by email.user"),
        (REPORT.replace("[leads]", "[leads, revenue]"), 4, "measure price"),
        (REPORT + "group_by: [source]\n", 6, "group by source.name"),
        (REPORT + "group_by: [source]\npivot: source\n", 6, "group by source.name"),
    ],
)  # fmt: skip
def test_what_would_tell_what_is_hidden_is_refused(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(Denied) as refused:
        asked(tmp_path, text)
    assert f"asked.yaml:{line}" in str(refused.value) and said in str(refused.value), str(refused.value)
    assert "bo as blind (" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        LEAD + rule("state"),
        LEAD + rule("email.domain"),
        LEAD + rule("dob.year"),
        LEAD + rule("custom.product_type"),
        EVENT + rule("lead.email.domain"),
        REPORT + "group_by: [email.domain, state]\n",
    ],
)
def test_what_is_seen_in_clear_may_be_asked_about(tmp_path: Path, text: str) -> None:
    asked(tmp_path, text)
