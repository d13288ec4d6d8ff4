"""A sample store and an export over it, for tests of the whole way from SQLite to finished files."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from export_pipelines.catalog import load_catalog
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.definition.export import ExportDefinition, Limits, Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.errors import SettingsError
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import window_of
from export_pipelines.sample.generate import generate_leads

DAY = "2024-01-15"
LEADS = 1000
NOW = datetime(2024, 1, 16, 2, 0, 30, tzinfo=UTC)
FIELDS = ("lead_id", "submitted_at", "email", "comments", "price", "outcome")


def token(n: int) -> str:
    return f"20240116T020000Z-{n:06x}"


def sample_url(folder: Path, leads: int = LEADS, *, events: bool = False) -> str:
    """The URL of a new SQLite store with `leads` leads on DAY."""
    file = folder / "leads.db"
    file.write_bytes(_sample(leads, events))
    return f"sqlite:///{file}"


@cache
def _sample(leads: int, events: bool) -> bytes:
    """The store's file: the same every time, so made once."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "leads.db"
        generate_leads(f"sqlite:///{file}", leads, 7, date.fromisoformat(DAY), 1, events=events)
        return file.read_bytes()


def plan_of(
    day: str | None = DAY,
    dialect: str = "sqlite",
    keys: Mapping[str, str | SettingsError] | None = None,
    **changes: Any,
) -> Plan:
    """The plan of a daily CSV export in parts of 300 rows, with `changes` to its definition."""
    settings: dict[str, Any] = {
        "name": "daily",
        "path": Path("exports/daily.yaml"),
        "type": "lead",
        "format": Format(name="csv"),
        "fields": FIELDS,
        "partition": "daily",
        "split": Split(rows=300),
        "compression": Compression(codec="none"),
        "limits": Limits(),
        "deliver": (FolderSettings(path="backup/{{date}}"),),
        **changes,
    }
    definition = ExportDefinition(**settings)
    return compile_plan(
        PlanRequest(definition, window_of(definition, day), load_catalog(None), dialect, keys or {})
    )
