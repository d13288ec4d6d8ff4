"""What every op works with: definitions, catalog, source, store, keys and clock, made from the settings. Opens nothing itself."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from export_pipelines.artifacts import MANIFEST_NAME, Manifest, Store
from export_pipelines.artifacts.token import new_token
from export_pipelines.catalog import Catalog, load_catalog
from export_pipelines.definition import ExportDefinition, Loaded, load_definition, load_definitions
from export_pipelines.definition.given import Given
from export_pipelines.definition.known import read_known
from export_pipelines.delivery import Receipt, Resources
from export_pipelines.files.private import close_home
from export_pipelines.history import ledger_of, store_of
from export_pipelines.ledger import Delivery, Ledger
from export_pipelines.mask.keys import Keys
from export_pipelines.pipeline import deliver, run_export
from export_pipelines.plan import PlanRequest
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.read.open_source import open_source
from export_pipelines.read.source import Source
from export_pipelines.run.observer import Deaf, Observer, Observers
from export_pipelines.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workshop:
    """The resource of the ops. `observer` hears of all runs, for a person who waits."""

    settings: Settings
    catalog: Catalog
    loaded: Loaded
    now: Callable[[], datetime] = utc_now
    observer: Observer = field(default_factory=Deaf, compare=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, compare=False, repr=False)

    def definition(self, name: str, given: Given | None = None) -> ExportDefinition:
        """The export, with what was `given` at launch. Raises RequestError for one that is not there, or wrong."""
        found = self.loaded.named(name)
        return load_definition(self.file_of(found), self.catalog, given) if given else found

    def request(self, definition: ExportDefinition, window: Window) -> PlanRequest:
        settings = self.settings
        return PlanRequest(definition, window, self.catalog, settings.dialect, settings.key_names)

    def source(self) -> Source:
        return open_source(self.settings.source_url.get_secret_value())

    def store(self) -> Store:
        return store_of(self.settings, self.loaded)

    def run(self, plan: Plan, observer: Observer | None = None) -> Manifest:
        """One artifact of `plan`, which `observer` hears of too; see pipeline.run_export."""
        return run_export(
            plan,
            self.source(),
            self.store(),
            Keys.of(self.settings),
            self.now,
            new_token(self.now()),
            Observers(self.observer, observer or Deaf()),
        )

    @cached_property
    def ledger(self) -> Ledger:
        return ledger_of(self.settings, self.loaded)

    @property
    def resources(self) -> Resources:
        return Resources(self.settings, self.environment)

    def register(
        self, manifest: Manifest, entries: Sequence[Mapping[str, Any]], run_id: str, given: bool = False
    ) -> tuple[Delivery, ...]:
        """`given`: the run had a filter of its own; see Ledger.register."""
        return self.ledger.register(manifest, entries, run_id, self.now(), given)

    def deliver(self, delivery: str, run_id: str, again: bool = False) -> Receipt:
        """One attempt; see pipeline.deliver."""
        return deliver(delivery, self.ledger, self.resources, self.now, run_id, again)

    def manifest_path(self, manifest: Manifest) -> str:
        """Where the manifest lies: a path, or a URL of a store that has URLs."""
        return f"{self.store().location(manifest.artifact).rstrip('/')}/{MANIFEST_NAME}"

    def file_of(self, definition: ExportDefinition) -> Path:
        return self.settings.definitions / definition.path.name


def open_workshop(
    settings: Settings, now: Callable[[], datetime] = utc_now, observer: Observer | None = None
) -> Workshop:
    """Reads catalog and definitions; raises CatalogError or SettingsError, never for one bad definition.

    An existing HOME that other users may enter is closed to them.
    """
    close_home(settings.home)
    catalog = load_catalog(settings.catalog)
    loaded = load_definitions(settings.definitions, catalog, read_known(settings.home))
    return Workshop(settings, catalog, loaded, now, observer or Deaf())
