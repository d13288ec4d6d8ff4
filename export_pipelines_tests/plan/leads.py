"""Definitions as people write them, compiled with the shipped catalog."""

from collections.abc import Mapping
from pathlib import Path

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.errors import SettingsError
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.plan import Masking, OutputColumn, Window
from export_pipelines.plan.window import window_between

CATALOG = load_catalog(None)
JANUARY = window_between("2024-01-01", "2024-02-01")
Keys = Mapping[str, str | SettingsError]
KEYS: Keys = {"HASH_KEY": "HASH_KEY:01234567", "MASTER_KEY": "MASTER_KEY_2:89abcdef"}


def request(folder: Path, yaml: str, window: Window = JANUARY, keys: Keys = KEYS) -> PlanRequest:
    """A lead export of these lines to CSV, unless they say another type or format."""
    text = yaml if "format:" in yaml else f"format: csv\n{yaml}"
    text = text if "type: event" in text else f"type: lead\n{text}"
    file = folder / "test_export.yaml"
    file.write_text(f"{text}\n", encoding="utf-8")
    return PlanRequest(load_definition(file, CATALOG), window, CATALOG, "sqlite", keys)


def plan(folder: Path, yaml: str, keys: Keys = KEYS) -> Plan:
    return compile_plan(request(folder, yaml, keys=keys))


def masking(folder: Path, yaml: str) -> Masking:
    return plan(folder, yaml).masking


def columns(folder: Path, yaml: str) -> dict[str, OutputColumn]:
    return {column.id: column for column in masking(folder, yaml).columns}
