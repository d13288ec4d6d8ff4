"""What all questions about one export look at, read once."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.token import recency
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Delivery, WindowRecord
from export_pipelines.orchestration.observed_runs import ObservedRun, ObservedRuns
from export_pipelines.orchestration.run_command import run_command
from export_pipelines.plan import Plan, compile_plan
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import scheduled_window
from export_pipelines.project import Project


@dataclass(frozen=True)
class Case:
    """An export as it is now. `asker` is whose rights hold beside the owner's, None without access.yaml."""

    project: Project
    observed: ObservedRuns
    definition: ExportDefinition
    asker: str | None
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "now", self.project.now())

    @property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def window(self) -> Window:
        """The window that the export's last file should be of."""
        return scheduled_window(self.definition, self.now)

    @cached_property
    def runs(self) -> list[ObservedRun]:
        return self.observed.runs(self.definition)

    @cached_property
    def records(self) -> list[WindowRecord]:
        """Artifacts that were written, oldest first, as the store orders them, those that have expired too."""
        records = self.project.ledger.windows(self.name)
        return sorted(records, key=lambda record: recency(record.artifact))

    @cached_property
    def manifest(self) -> Manifest | None:
        """Of the newest artifact that is still kept."""
        return self.project.store.latest(self.name)

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """Of the newest artifact that the ledger knows."""
        newest = self.records[-1].artifact if self.records else None
        return self.project.ledger.deliveries(artifact=newest) if newest else []

    @cached_property
    def silent_daemons(self) -> tuple[str, ...]:
        return tuple(self.observed.silent_daemons())

    @property
    def next_keys(self) -> tuple[str, ...]:
        """The key of `window`, where it is a partition: any other a run finds by itself."""
        return (self.window.key,) if self.definition.partition else ()

    def command(self, *keys: str) -> str:
        """That runs these windows, see `run_command`."""
        return run_command(self.definition, keys)

    def plan(self, definition: ExportDefinition | None = None, window: Window | None = None) -> Plan:
        """Raises ExportError."""
        asked = definition or self.definition
        request = self.project.request_to_compare(asked, window or self.window, self.asker, "view")
        return compile_plan(request)

    @cached_property
    def fault(self) -> ExportError | None:
        """Why a run would be refused today."""
        try:
            self.project.source().check(self.plan().query)
        except ExportError as error:
            return error
        return None
