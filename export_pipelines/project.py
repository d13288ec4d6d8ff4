"""One project, opened: its settings, catalog, exports, store, ledger and clock, each read when it is first asked for.

project = Project.open(".")
project.preview("daily_leads", "2024-01-15")    # the first rows as a run would write them
project.run("daily_leads", "2024-01-15")        # writes and delivers
project.read("daily_leads/2024-01-15")          # what was written, as a pandas DataFrame
project.scan("daily_leads")                     # all partitions, as a Polars LazyFrame"""

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from export_pipelines import logs
from export_pipelines.artifact_reader import ArtifactReader

if TYPE_CHECKING:
    import pandas as pd

    from export_pipelines.access import Permission, PolicyFile
    from export_pipelines.artifacts import Manifest, Store
    from export_pipelines.catalog import Catalog
    from export_pipelines.definition import ExportDefinition, Loaded
    from export_pipelines.definition.destinations import DestinationSettings
    from export_pipelines.definition.overrides import RunOverrides
    from export_pipelines.delivery import Resources
    from export_pipelines.ledger import ExportRequests, Ledger
    from export_pipelines.pipeline import Outcome
    from export_pipelines.plan import Plan, PlanRequest, Window
    from export_pipelines.read.source import Source
    from export_pipelines.remote import RemoteProject
    from export_pipelines.run.observer import Observer
    from export_pipelines.s3 import ClientOf
    from export_pipelines.settings import Settings

PREVIEW_ROWS = 20


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Project(ArtifactReader):
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

    @staticmethod
    def remote(url: str, key: str) -> "RemoteProject":
        """The project that a service at `url` serves, for the owner of the API key: the same questions, by HTTP."""
        from export_pipelines.remote import RemoteProject

        return RemoteProject.at(url, key)

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
        from export_pipelines.ledger.data_keys import LedgerKeys
        from export_pipelines.renamed_exports import store_of

        keys = LedgerKeys(lambda: self.ledger.engine)
        return store_of(self.settings, self.loaded, keys, self.now, self.s3_client)

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

        return Resources(self.settings, self.environment, self.s3_client, lambda: self.store)

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
        found = self.loaded.named(name)
        return load_definition(self.file_of(found), self.catalog, overrides) if overrides else found

    def file_of(self, definition: "ExportDefinition") -> Path:
        return self.settings.definitions / definition.path.name

    def source(self) -> "Source":
        from export_pipelines.read.open_source import open_source

        return open_source(self.settings.source_url.get_secret_value())

    @cached_property
    def access(self) -> "PolicyFile":
        """access.yaml, as it is now."""
        from export_pipelines.access import PolicyFile

        return PolicyFile(self.settings.access, self.catalog, self.settings.requires_access)

    def request(
        self, definition: "ExportDefinition", window: "Window", permission: "Permission" = "create"
    ) -> "PlanRequest":
        """All that the plan of one window is made from, with the rights of the export's owner and of the asker, who needs
        the `permission`. Raises Denied."""
        return self.request_of(self.asker, definition, window, permission)

    def request_of(
        self,
        asker: str | None,
        definition: "ExportDefinition",
        window: "Window",
        permission: "Permission" = "create",
    ) -> "PlanRequest":
        """The same for another `asker`, as a run tells whose it is."""
        from export_pipelines.plan.rights import with_rights

        asked = self.bare_request(definition, window)
        return with_rights(asked, self.access.read(), asker, permission, self.now())

    def bare_request(self, definition: "ExportDefinition", window: "Window") -> "PlanRequest":
        """The same before anybody's rights are asked."""
        from export_pipelines.plan import PlanRequest

        settings = self.settings
        return PlanRequest(definition, window, self.catalog, settings.dialect, settings.key_names)

    def plan(
        self, definition: "ExportDefinition", window: "Window", permission: "Permission" = "create"
    ) -> "Plan":
        """The whole plan of one window; see `request`. Raises RequestError."""
        from export_pipelines.plan import compile_plan

        return compile_plan(self.request(definition, window, permission))

    def require_deliverable(
        self, manifest: "Manifest", settings: "DestinationSettings", asker: str | None = None
    ) -> None:
        """That the export's owner, and the `asker`, may have the artifact at the destination today. Raises Denied."""
        from export_pipelines.delivery_rights import require_deliverable

        policy = self.access.read()
        if policy:
            request = self.bare_request(self.definition(manifest.export), manifest.window)
            require_deliverable(manifest, settings, request, policy, self.now(), asker)

    def require_fetchable(self, manifest: "Manifest", asker: str) -> None:
        """That `asker` may have all of the artifact today. Raises Denied."""
        from export_pipelines.delivery_rights import require_fetchable

        policy = self.access.read()
        if policy:
            request = self.bare_request(self.definition(manifest.export), manifest.window)
            require_fetchable(manifest, request, policy, self.now(), asker)

    def new_token(self) -> str:
        """The last name of an artifact, new for every run."""
        from export_pipelines.artifacts.token import new_token

        return new_token(self.now())

    # What a notebook asks.

    def preview(self, export: str, window: str | None = None, rows: int = PREVIEW_ROWS) -> "pd.DataFrame":
        """The first `rows` rows as a run would write them, masks and all; nothing is written.

        `window` is a partition's key, `<start>/<end>`, or None for the last complete one. Raises RequestError.
        """
        from export_pipelines.frames import to_pandas
        from export_pipelines.mask.keys import Keys
        from export_pipelines.pipeline import preview_window
        from export_pipelines.plan.window import window_named

        definition = self.definition(export)
        plan = self.plan(definition, window_named(definition, window, self.now()))
        return to_pandas(preview_window(plan, self.source(), Keys.of(self.settings), rows))

    def run(
        self,
        export: str,
        window: str | None = None,
        any_hour: bool = False,
        observer: "Observer | None" = None,
    ) -> "Outcome":
        """Writes one window and delivers it; see `preview` for `window`. What failed to arrive is in the outcome.

        `any_hour` goes over the export's quiet hours, `observer` hears what the run does. Raises ExportError where nothing was written. The ledger keeps a
        record of it, Dagster none.
        """
        from export_pipelines.mask.keys import Keys
        from export_pipelines.pipeline import run_window
        from export_pipelines.plan.window import require_quiet, window_named

        definition = self.definition(export)
        if not any_hour:
            require_quiet(definition, self.now(), "wait, or say any_hour=True")
        plan = self.plan(definition, window_named(definition, window, self.now()))
        token = self.new_token()
        with logs.run(token):
            return run_window(
                plan,
                self.source(),
                self.store,
                Keys.of(self.settings),
                self.ledger,
                self.resources,
                self.now,
                token,
                observer,
                self.require_deliverable,
            )
