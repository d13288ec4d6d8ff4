"""The documents name every setting there is, and what they show loads."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from export_pipelines.definition.alerts import load_alerts
from export_pipelines.definition.allowed import Allowed, load_allowed
from export_pipelines.definition.delivery import KINDS
from export_pipelines.definition.export import ExportType, MaskWord, Smart
from export_pipelines.definition.filters import Filter, Operator
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines.definition.report import Bucket, Over, TimeBasis
from export_pipelines.definition.written import REPORT_KEYS, WrittenExport
from export_pipelines_tests.conftest import REPOSITORY

REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
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


def test_the_list_of_what_exports_may_name_loads_and_shows_every_key(tmp_path: Path):
    shown = re.search(r"```yaml\n# allowed.yaml\n(.*?)```", DESTINATIONS, re.DOTALL)
    assert shown
    (tmp_path / "allowed.yaml").write_text(shown[1], encoding="utf-8")
    assert load_allowed(tmp_path / "allowed.yaml").model_fields_set == set(Allowed.model_fields)


def told_in(text: str, names: Iterable[str]) -> set[str]:
    """Those of `names` that `text` does not tell."""
    return {name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)}


REFERENCE_SECTIONS = {
    "fields": set(Smart.model_fields),
    "filter": {*Filter.model_fields, *Operator},
    "report": {*REPORT_KEYS, *get_args(Bucket), *get_args(Over), *get_args(TimeBasis)},
    "privacy": set(get_args(MaskWord)),
    "formats": {*FORMATS, *(name for spec in FORMATS.values() for name in spec.options.model_fields)},
}


def test_every_key_of_an_export_is_told():
    before = REFERENCE.partition("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in before.splitlines() if line.startswith("| `"))
    assert told_in(rows, WrittenExport.model_fields) == set()
    assert told_in(before, [*CODECS, *get_args(ExportType)]) == set()


@pytest.mark.parametrize("title", REFERENCE_SECTIONS)
def test_every_word_of_a_key_is_told(title: str):
    assert told_in(section(REFERENCE, title), REFERENCE_SECTIONS[title]) == set()
