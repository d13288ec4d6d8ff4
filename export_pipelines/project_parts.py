"""The parts of one open project: its settings, catalog, exports, store, ledger and clock, each read when it is first asked for."""

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from export_pipelines.access import PolicyFile
    from export_pipelines.artifact_of_run import RunContext
    from export_pipelines.artifacts import Store
    from export_pipelines.audit.trail import AuditTrail
    from export_pipelines.catalog import Catalog
    from export_pipelines.definition import ExportDefinition, Loaded
    from export_pipelines.definition.overrides import RunOverrides
    from export_pipelines.delivery import Resources
    from export_pipelines.delivery.sessions import Sessions
    from export_pipelines.ledger import ExportRequests, Ledger
    from export_pipelines.ledger.data_keys import LedgerKeys
    from export_pipelines.read.residual import Asking
    from export_pipelines.s3 import ClientOf
    from export_pipelines.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ProjectParts:
    """`environment` holds the settings, `EXPORT_PIPELINES_...`; relative paths are taken from `root`. `s3_client` gives
    boto3's client for the buckets of which store and destinations say nothing but the name. `asker` is a principal of
    access.yaml, whose rights hold beside those of an export's owner.

    Libraries are imported when something needs them: a command that only lists exports reads no data.
    """

    root: Path
    environment: MutableMapping[str, str] = field(repr=False)
    now: Callable[[], datetime] = utc_now
    s3_client: "ClientOf | None" = field(default=None, repr=False)
    asker: str | None = None

    @classmethod
    def open(
        cls,
        root: Path | str = ".",
        environment: MutableMapping[str, str] | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> Self:
        """The project in the folder `root`, with the settings of this process's environment unless others are given."""
        return cls(Path(root).absolute(), os.environ if environment is None else environment, now)

    @cached_property
    def settings(self) -> "Settings":
        """Closes an existing HOME to other users. Raises SettingsError."""
        from export_pipelines.files.private import close_home
        from export_pipelines.settings import Settings

        settings = Settings.load(self.environment, self.root)
        close_home(settings.home)
        return settings

    @cached_property
    def catalog(self) -> "Catalog":
        """Raises CatalogError."""
        from export_pipelines.catalog import load_catalog

        return load_catalog(self.settings.catalog)

    @cached_property
    def loaded(self) -> "Loaded":
        """The exports, and the faults of those that are broken."""
        from export_pipelines.definition.remembered import load_with_known

        return load_with_known(self.settings.definitions, self.catalog, self.settings.home)

    @cached_property
    def store(self) -> "Store":
        from export_pipelines.renamed_exports import store_of

        def hold(name: str) -> "AbstractContextManager[bool]":
            return self.ledger.locks.hold(name)

        return store_of(self.settings, self.loaded, self.data_keys, self.now, self.s3_client, hold)

    @property
    def bare_store(self) -> "Store":
        """The store without keys, ledger and earlier names of exports: it gives manifests, and parts as they are stored."""
        from export_pipelines.artifacts import open_store

        return open_store(self.settings.store_url, self.s3_client)

    @property
    def data_keys(self) -> "LedgerKeys":
        """The wrapped data keys of sealed artifacts; the ledger is opened when one is asked for."""
        from export_pipelines.ledger.data_keys import LedgerKeys

        return LedgerKeys(lambda: self.ledger.engine)

    @cached_property
    def ledger(self) -> "Ledger":
        """Raises SettingsError."""
        from export_pipelines.renamed_exports import ledger_of

        return ledger_of(self.settings, self.loaded, self.s3_client)

    @property
    def export_requests(self) -> "ExportRequests":
        """Exports that were asked for over HTTP."""
        from export_pipelines.ledger import ExportRequests

        return ExportRequests(self.ledger.engine)

    @property
    def resources(self) -> "Resources":
        from export_pipelines.delivery import Resources

        return Resources(
            self.settings, self.environment, self.s3_client, lambda: self.store, sessions=self.sessions
        )

    @cached_property
    def sessions(self) -> "Sessions":
        """Connections to destinations that all deliveries in its block share."""
        from export_pipelines.delivery.sessions import Sessions

        return Sessions()

    def forget(self) -> None:
        """The next question reads everything again, after a key or a catalog was written."""
        for name in ("settings", "catalog", "loaded", "store", "ledger", "access"):
            self.__dict__.pop(name, None)

    def reread(self) -> Self:
        """The project with its exports as their files are now, and all else as it is. Raises SettingsError."""
        from export_pipelines.definition.remembered import load_with_known

        project, settings = replace(self), self.settings
        project.settings, project.catalog = settings, self.catalog
        project.loaded = load_with_known(settings.definitions, self.catalog, settings.home)
        return project

    def definition(self, name: str, overrides: "RunOverrides | None" = None) -> "ExportDefinition":
        """The export, in which `overrides` replace keys of its filter; one whose name begins with `request_` is an ad-hoc
        export, which its request in the ledger describes.

        Raises DefinitionError for a broken one, RequestError for one that is not there.
        """
        from export_pipelines.definition import ad_hoc_definition, load_definition
        from export_pipelines.definition.reserved_names import AD_HOC

        if name.startswith(AD_HOC) and (request := self.export_requests.of_export(name)):
            return ad_hoc_definition(name, request.definition, self.catalog)
        definition = self.loaded.named(name)
        return load_definition(self.file_of(definition), self.catalog, overrides) if overrides else definition

    def file_of(self, definition: "ExportDefinition") -> Path:
        return self.settings.definitions / definition.path.name

    def source(self) -> "Asking":
        from export_pipelines.read.open_source import open_source

        return open_source(self.settings.source_url.get_secret_value(), self.settings.source_connections)

    def run_context(self) -> "RunContext":
        """What every run of the project works with. Raises SettingsError."""
        from export_pipelines.artifact_of_run import RunContext
        from export_pipelines.lineage.run_events import run_events
        from export_pipelines.mask.keys import Keys

        keys, observed = Keys.of(self.settings), run_events(self.settings, self.catalog, self.now)
        return RunContext(self.source(), self.store, keys, self.now, observed)

    @cached_property
    def access(self) -> "PolicyFile":
        """access.yaml, as it is now."""
        from export_pipelines.access import PolicyFile

        return PolicyFile(self.settings.access, self.catalog, self.settings.requires_access)

    @property
    def trail(self) -> "AuditTrail":
        """The audit, for what people and schedules do with this project."""
        from export_pipelines.audit.trail import AuditTrail

        return AuditTrail(lambda: self.ledger, self.now)
