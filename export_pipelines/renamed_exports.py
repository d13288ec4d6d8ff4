"""Store and ledger of a project, in which an export that was renamed has what it made under its earlier names."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from export_pipelines import ledger as ledgers
from export_pipelines.artifacts import HoldLock, RenamedStore, Store, open_store
from export_pipelines.definition import Loaded
from export_pipelines.settings import Settings

if TYPE_CHECKING:
    from export_pipelines.artifacts.sealing import DataKeys
    from export_pipelines.s3 import ClientOf

Clock = Callable[[], datetime]


def store_of(
    settings: Settings,
    loaded: Loaded,
    keys: "DataKeys",
    now: Clock,
    s3_client: "ClientOf | None" = None,
    hold: HoldLock | None = None,
) -> Store:
    """Artifacts stay under the name that they were made with; asked for an export, the store gives them too. Where a master
    key is held, new ones are sealed. Raises SettingsError for a master key that is too short."""
    from export_pipelines.artifacts.sealing import MasterKeys, SealedStore

    masters = MasterKeys.of(settings.master_key)
    store = open_store(settings.store_url, s3_client, hold)
    return with_former(SealedStore(store, keys, masters, now), loaded)


def with_former(store: Store, loaded: Loaded) -> Store:
    """The store, in which artifacts of an earlier name are also those of the export."""
    former = {
        definition.name: definition.renamed_from for definition in loaded.all if definition.renamed_from
    }
    return RenamedStore(store, former) if former else store


def ledger_of(settings: Settings, loaded: Loaded, s3_client: "ClientOf | None" = None) -> ledgers.Ledger:
    """The ledger, in which the records of an earlier name are those of the new one from now on. Raises SettingsError."""
    ledger = ledgers.ledger_of(settings, s3_client)
    for definition in loaded.all:
        for old in definition.renamed_from:
            ledger.renamed(old, definition.name)
    return ledger
