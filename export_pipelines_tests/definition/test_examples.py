"""The shipped exports, as the definitions they become."""

import json
from pathlib import Path

import pytest

from export_pipelines.catalog import Catalog
from export_pipelines.definition import load_definition, load_definitions

PROJECT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "fixtures" / "golden"
NAMES = (
    "daily_lead_backup",
    "daily_source_quality",
    "dispute_resolution",
    "monthly_financial_summary",
    "monthly_revenue_by_recipient",
    "pii_free_analytics",
    "weekly_performance_extract",
)


def test_the_shipped_exports_load_together(catalog: Catalog) -> None:
    loaded = load_definitions(PROJECT / "exports", catalog)
    assert [definition.name for definition in loaded.definitions] == list(NAMES)
    assert not loaded.broken


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_export_becomes_this_definition(
    name: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    definition = load_definition(PROJECT / "exports" / f"{name}.yaml", catalog)
    assert json.loads(definition.model_dump_json()) == json.loads(
        (GOLDEN / f"{name}.json").read_text("utf-8")
    )
