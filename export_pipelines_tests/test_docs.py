"""The documents name every setting there is, and what they show loads."""

import re
from pathlib import Path

import pytest

from export_pipelines.definition.alerts import load_alerts
from export_pipelines.definition.delivery import KINDS
from export_pipelines_tests.conftest import REPOSITORY

DESTINATIONS = (REPOSITORY / "docs" / "destinations.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_destination_is_told(kind: str):
    text = section(DESTINATIONS, kind)
    names = {field.alias or name for name, field in KINDS[kind].model_fields.items()}
    assert {name for name in names if f"`{name}`" not in text and f"`{name}:" not in text} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_is_told_that_is_not_there(kind: str):
    rows = re.findall(r"^\| (`.+?`) \|", section(DESTINATIONS, kind), re.MULTILINE)
    names = {field.alias or name for name, field in KINDS[kind].model_fields.items()}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} - names == set()


def test_the_alerts_that_are_shown_load(tmp_path: Path):
    shown = re.search(r"```text\n(alerts:.*?)```", DESTINATIONS, re.DOTALL)
    assert shown
    (tmp_path / "alerts.yaml").write_text(shown[1], encoding="utf-8")
    (rule,) = load_alerts(tmp_path / "alerts.yaml")
    assert rule.concerns("daily_lead_backup", "late")
    assert not rule.concerns("daily_lead_backup", "anomaly")
