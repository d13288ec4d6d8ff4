"""Sends artifacts of a store of its own, the whole way through ledger, destination and receipt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from export_pipelines.artifacts import Manifest, Store, open_store
from export_pipelines.definition.delivery import read_entry
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.delivery import Destination, Receipt, Resources, open_destination
from export_pipelines.delivery.removal import Placing, delivered_digests
from export_pipelines.ledger import Ledger, open_ledger
from export_pipelines.pipeline import deliver
from export_pipelines.settings import Settings
from export_pipelines_tests.artifacts.build import AT


@dataclass
class Desk:
    """Sends artifacts of its own store to entries of `deliver:`, and writes it into its own ledger."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    at: datetime = AT

    @property
    def settings(self) -> Settings:
        return Settings(
            root=self.home.parent,
            alerts=self.home.parent / "alerts.yaml",
            allowed=self.home.parent / "allowed.yaml",
            access=self.home.parent / "access.yaml",
            home=self.home,
            source_url=SecretStr("sqlite://"),
            store_url=str(self.home / "artifacts"),
            ledger_url=SecretStr(f"sqlite:///{self.home / 'ledger.db'}"),
            definitions=self.home.parent / "exports",
        )

    @property
    def resources(self) -> Resources:
        return Resources(self.settings, self.environment)

    @property
    def store(self) -> Store:
        return open_store(self.settings.store_url)

    @property
    def ledger(self) -> Ledger:
        return open_ledger(self.settings.ledger_url.get_secret_value())

    def due(self, manifest: Manifest, entry: Mapping[str, Any]) -> str:
        """The delivery of an artifact to one destination, registered."""
        return self.ledger.register(manifest, [cast("StoredEntry", entry)], None, self.at)[0].id

    def send(self, manifest: Manifest, entry: Mapping[str, Any], again: bool = False) -> Receipt:
        return deliver(self.due(manifest, entry), self.ledger, self.resources, lambda: self.at, again=again)


def open_entry(entry: Mapping[str, Any], resources: Resources) -> Destination:
    """The destination of an entry as the ledger has it."""
    return open_destination(read_entry(cast("StoredEntry", entry)), resources)


def placing_of(receipt: Receipt, manifest: Manifest) -> Placing:
    """What a receipt says was put at a place."""
    digests = delivered_digests(receipt, [part.sha256 for part in manifest.parts])
    return Placing(receipt.target, manifest.export, manifest.window.key, digests)
