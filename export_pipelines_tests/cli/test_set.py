"""A filter that is given for one run at the terminal."""

import pytest

from export_pipelines_tests.cli.answers import Terminal, data, delivered
from export_pipelines_tests.conftest import Project


def test_a_filter_is_set_for_one_run(terminal: Terminal, project: Project) -> None:
    everything = data(terminal("preview", "daily", "--partition", "2024-01-15", "--json"))
    some = everything[3]["lead_id"]
    setting = ["--set", f"filter.lead_ids=[{some}]"]
    shown = data(terminal("preview", "daily", "--partition", "2024-01-15", *setting, "--json"))
    assert [row["lead_id"] for row in shown] == [some]
    assert (
        "lead_id is one of 1 ids" in terminal("plan", "daily", "--partition", "2024-01-15", *setting).stdout
    )
    terminal("run", "daily", "--partition", "2024-01-15")
    terminal("run", "daily", "--partition", "2024-01-15", *setting)
    assert len(delivered(project, "2024-01-15")) == 10  # what was delivered of the whole day stays
    (place,) = (project.home / "delivered" / "daily").glob("2024-01-15_set_*")
    assert [row["lead_id"] for row in delivered(project, place.name)] == [some]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("filter.lead_ids", '--set "filter.lead_ids" has no value'),
        ("filter.lead_ids=[5fd2", "--set filter.lead_ids: the value is not YAML"),
        ("privacy.email=keep", '"privacy.email" cannot be set at launch'),
        ("filter.where={email: a@b.example}", "set at launch: filter.where.email: email tells a person"),
        ("filter.where={ip_address: 203.0.113.9}", "filter.where.ip_address: ip_address tells a person"),
        ("filter.where={postal_code.zip: '76701'}", "filter.where.postal_code.zip: postal_code.zip tells"),
        ("filter.rules=[{lhv: city, op: is included in, rhv: [Waco]}]", "city tells a person"),
        ("filter.rules=[{lhv: user_agent, op: matches pattern, rhv: Lynx}]", "user_agent tells a person"),
        ("filter.rules=[{lhv: phone_1, op: is equal to, rhv: '2125550100'}]", "phone_1 tells a person"),
        ("filter.lead_ids=[5fd2]", "exports/daily.yaml, set at launch: filter.lead_ids.0: a lead id is 24"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    terminal: Terminal, project: Project, setting: str, text: str
) -> None:
    answer = terminal("run", "daily", "--partition", "2024-01-15", "--set", setting)
    assert answer.code == 2 and text in answer.stderr and not project.home.exists()
