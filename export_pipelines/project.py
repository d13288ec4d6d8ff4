"""One project, opened, and what can be asked of it.

project = Project.open(".")
project.preview("daily_leads", "2024-01-15")    # the first rows as a run would write them
project.run("daily_leads", "2024-01-15")        # writes and delivers
project.read("daily_leads/2024-01-15")          # what was written, as a pandas DataFrame
project.scan("daily_leads")                     # all partitions, as a Polars LazyFrame"""

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from export_pipelines import logs
from export_pipelines.artifact_reader import ArtifactReader
from export_pipelines.project_parts import ProjectParts
from export_pipelines.system_user import system_user

if TYPE_CHECKING:
    import pandas as pd

    from export_pipelines.access import Permission, Policy
    from export_pipelines.artifacts import Manifest, Store
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.definition.destinations import DestinationSettings
    from export_pipelines.ledger import AuditAction
    from export_pipelines.pipeline import Outcome
    from export_pipelines.plan import Plan, PlanRequest, Window
    from export_pipelines.recipes import Recipe
    from export_pipelines.remote import RemoteProject
    from export_pipelines.run.observer import Observer

PREVIEW_ROWS = 20
ACCESS_FILE = "access.yaml"  # as the audit names it, wherever it lies


@dataclass
class Project(ProjectParts, ArtifactReader):
    """What people and schedules ask of a project, by their rights. See ProjectParts for what it is made of."""

    _seen_rights: str | None = field(default="", init=False, repr=False)  # the digest that the audit knows

    @staticmethod
    def remote(url: str, key: str) -> "RemoteProject":
        """The project that a service at `url` serves, for the owner of the API key: the same questions, by HTTP."""
        from export_pipelines.remote import RemoteProject

        return RemoteProject.at(url, key)

    def policy(self) -> "Policy | None":
        """access.yaml as it is now; where there is one, the audit knows of it afterwards. Raises AccessFileError."""
        with self.trail.refusals(self.asker, "read", ACCESS_FILE):
            policy = self.access.read()
        if policy is not None:
            self._note_rights(policy, None)
        return policy

    def note_changes(self, definition: "ExportDefinition", actor: str | None = None) -> None:
        """Before a run of the export: the audit knows access.yaml, also that there is none any more, and the export's file; an
        ad-hoc export has none."""
        from export_pipelines.ledger import AuditAction

        self._note_rights(self.policy(), actor)
        if definition.is_ad_hoc:
            return
        self.trail.changed(
            AuditAction.DEFINITION_CHANGED,
            definition.name,
            hashlib.sha256(self.file_of(definition).read_bytes()).hexdigest(),
            actor or self.asker,
            definition.owner,
        )

    def _note_rights(self, policy: "Policy | None", actor: str | None) -> None:
        from export_pipelines.access.rights_changes import GONE, snapshot
        from export_pipelines.ledger import AuditAction

        digest = policy.sha256 if policy else None
        if digest != self._seen_rights:
            detail = snapshot(policy) if policy else GONE
            action = AuditAction.RIGHT_CHANGED
            self.trail.changed(action, ACCESS_FILE, digest, actor or self.asker, detail=detail)
            self._seen_rights = digest

    def recording(
        self, action: "AuditAction", definition: "ExportDefinition", window: "Window"
    ) -> AbstractContextManager[dict[str, Any]]:
        """Records what the block does with a window of the export; see AuditTrail."""
        subject = f"{definition.name}/{window.key}"
        return self.trail.recording(action, subject, self.asker, definition.owner)

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
        """The same for another `asker`, as a run tells whose it is. A refusal is recorded."""
        policy = self.policy()
        subject = f"{definition.name}/{window.key}"
        with self.trail.refusals(asker, permission, subject, definition.owner):
            return self._narrowed(policy, asker, definition, window, permission)

    def request_to_compare(
        self,
        definition: "ExportDefinition",
        window: "Window",
        asker: str | None = None,
        permission: "Permission" = "create",
    ) -> "PlanRequest":
        """The same where nobody is given anything, such as to compare with what is there, for another `asker` than the
        project's or for it. Raises Denied, and records nothing."""
        return self._narrowed(self.access.read(), asker or self.asker, definition, window, permission)

    def _narrowed(
        self,
        policy: "Policy | None",
        asker: str | None,
        definition: "ExportDefinition",
        window: "Window",
        permission: "Permission",
    ) -> "PlanRequest":
        from export_pipelines.plan.rights import with_rights
        from export_pipelines.plan.window import require_end

        require_end(definition)
        return with_rights(self.bare_request(definition, window), policy, asker, permission, self.now())

    def bare_request(self, definition: "ExportDefinition", window: "Window") -> "PlanRequest":
        """The same before anybody's rights are asked."""
        from export_pipelines.plan import PlanRequest

        return PlanRequest(definition, window, self.catalog, self.settings.dialect, self.settings.key_names)

    def plan(
        self, definition: "ExportDefinition", window: "Window", permission: "Permission" = "create"
    ) -> "Plan":
        """The whole plan of one window; see `request`. Raises RequestError."""
        from export_pipelines.plan import compile_plan

        return compile_plan(self.request(definition, window, permission))

    def require_deliverable(
        self, manifest: "Manifest", settings: "DestinationSettings", asker: str | None = None
    ) -> None:
        """That the export's owner, and the `asker`, may have the artifact at the destination today. Raises Denied, which is
        recorded."""
        from export_pipelines.delivery_rights import require_deliverable

        policy = self.policy()
        if policy:
            request = self.bare_request(self.definition(manifest.export), manifest.window)
            owner = request.definition.owner
            with self.trail.refusals(asker, "deliver", manifest.artifact, owner):
                require_deliverable(manifest, settings, request, policy, self.now(), asker)

    @property
    def actor(self) -> str:
        """Who asks, as the audit names them."""
        return self.asker or system_user()

    def require(self, permission: "Permission", what: str) -> None:
        """That whoever asks has the `permission`, for something that has no grant of its own, such as a command. Without
        access.yaml the operator has it. Raises Denied, which is recorded."""
        from export_pipelines.access import asker_of, require_permission

        policy = self.policy()
        with self.trail.refusals(self.asker, permission, what):
            name = asker_of(policy, self.asker, system_user())
            if policy is not None and name is not None:
                require_permission(policy, name, permission, self.now())

    def require_fetchable(self, manifest: "Manifest", asker: str) -> None:
        """That `asker` may have all of the artifact today. Raises Denied, and records nothing: lists leave out what is not."""
        from export_pipelines.delivery_rights import require_fetchable

        policy = self.access.read()
        if policy:
            request = self.bare_request(self.definition(manifest.export), manifest.window)
            require_fetchable(manifest, request, policy, self.now(), asker)

    def recipe(self, artifact: str, reader: str, table: str | None = None) -> "Recipe":
        """How the program `reader` loads an artifact, as `table` or under the export's name; see `manifest` for its name. Raises
        RequestError, DamagedArtifact, and Denied, which is recorded, for whoever may not have all of it."""
        from export_pipelines.recipes.stored import recipe_of

        manifest = self.manifest(artifact)
        if self.asker is not None:
            with self.trail.refusals(self.asker, "read", manifest.artifact):
                self.require_fetchable(manifest, self.asker)
        return recipe_of(manifest, self.store, reader, table)

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
        from export_pipelines.ledger import AuditAction
        from export_pipelines.mask.keys import Keys
        from export_pipelines.pipeline import preview_window
        from export_pipelines.plan.window import window_named

        definition = self.definition(export)
        chosen = window_named(definition, window, self.now())
        with self.recording(AuditAction.PREVIEW, definition, chosen):
            plan = self.plan(definition, chosen)
            return to_pandas(preview_window(plan, self.source(), Keys.of(self.settings), rows))

    def run(
        self,
        export: str,
        window: str | None = None,
        any_hour: bool = False,
        observer: "Observer | None" = None,
        full: bool = False,
    ) -> "Outcome":
        """Writes one window and delivers it; see `preview` for `window`. What failed to arrive is in the outcome.

        `any_hour` goes over the export's quiet hours, `observer` hears what the run does; in `mode: changes`, `full` asks for a
        full set. The ledger keeps a record of it,
        Dagster none. Raises ExportError where nothing was written.
        """
        from export_pipelines.pipeline import run_window
        from export_pipelines.plan.changes import require_changes
        from export_pipelines.plan.window import require_quiet, window_named

        definition = self.definition(export)
        if full:
            require_changes(definition)
        if not any_hour:
            require_quiet(definition, self.now(), "wait, or say any_hour=True")
        self.note_changes(definition)
        plan = self.plan(definition, window_named(definition, window, self.now()))
        context, token, deliverable = self.run_context(), self.new_token(), self.require_deliverable
        with logs.run(token):
            return run_window(
                plan, context, self.ledger, self.resources, token, observer, deliverable, self.asker, full
            )

    @property
    def reading_store(self) -> "Store":
        return self.recorded_store("read")

    def recorded_store(self, asked: str, asker: str | None = None) -> "Store":
        """The store, which records for whom it could not open a part, and what was `asked` of it."""
        from export_pipelines.audit.recorded_store import RecordedStore

        return RecordedStore(self.store, self.trail, asker or self.asker, asked)

    def note_opened(self, manifests: "Iterable[Manifest]") -> None:
        """Records that a person reads artifacts, once the first part of each could be opened: a download, and the use of its
        data key where it is sealed. Raises as `Store.open`."""
        from export_pipelines.audit.records import opened

        manifests, store = tuple(manifests), self.reading_store
        for manifest in manifests:
            for part in manifest.parts[:1]:
                store.open(manifest.artifact, part.name).close()
        self.trail.record(*opened(manifests, self.asker, read=True))

    def verify(self, artifact: str, asker: str | None = None) -> list[str]:
        """The faults of an artifact, see `artifacts.verify`; where it is sealed and a master key is set, it has to open, and
        the use of its data key is recorded where the ledger has it. Raises KeyRefused, which is recorded, for a master key that
        does not open it."""
        from export_pipelines.artifacts import verify

        faults = verify(self.bare_store, artifact, lambda: self.recorded_store("verify", asker))
        if self.settings.master_key.is_set:
            from export_pipelines.artifacts.sealing import sealed_store
            from export_pipelines.audit.records import opened
            from export_pipelines.errors import DamagedArtifact, SettingsError

            with suppress(DamagedArtifact, SettingsError):  # without the ledger no key was used
                store = self.store
                if sealed_store(store).keys.get(artifact) is not None:
                    self.trail.record(*opened([store.manifest(artifact)], asker or self.asker, read=False))
        return faults
