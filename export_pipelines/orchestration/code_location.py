"""What Dagster alone needs of a project: how its exports are called there, what they wait for, who hears of runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import RequestError
from export_pipelines.orchestration.artifact_io_manager import ArtifactIOManager
from export_pipelines.project import Project
from export_pipelines.run.observer import Deaf, Observer

PREFIX_PATTERN = r"[a-z][a-z0-9_]*"
EDGE = dg.DagsterType(  # of `list[dict[str, Any]]` Dagster would check every value, at both ends
    lambda _, entries: isinstance(entries, list),
    name="entries_of_windows",
    description="An entry for each window, as JSON",
    typing_type=list,
)


@dataclass(frozen=True)
class CodeLocation:
    """A project as Dagster sees it. With a `prefix`, which names are global in Dagster, begins every name and key, so that
    the project may stand in a code location of somebody else's.

    `deps` are the assets that an export's comes after, by the export's name. `observer` hears of all runs, for a person
    who waits. Raises RequestError for a prefix that Dagster takes in no name.
    """

    project: Project
    prefix: str = ""
    deps: Mapping[str, Sequence[dg.AssetKey]] = field(default_factory=dict)
    observer: Observer = field(default_factory=Deaf, compare=False)

    def __post_init__(self) -> None:
        if self.prefix and not re.fullmatch(PREFIX_PATTERN, self.prefix):
            raise RequestError(
                f'"{self.prefix}" cannot begin names in Dagster',
                where="prefix",
                remedy="small letters, digits and _, a letter first",
            )

    def named(self, name: str) -> str:
        """The name of a job, sensor, op, group, pool or resource."""
        return f"{self.prefix}_{name}" if self.prefix else name

    def key(self, *path: str) -> dg.AssetKey:
        return dg.AssetKey([self.prefix, *path] if self.prefix else path)

    def asset_key(self, definition: ExportDefinition) -> dg.AssetKey:
        """Ad-hoc exports, of which each runs once, share one key for each type."""
        name = "ad_hoc" if definition.is_ad_hoc else definition.name
        return self.key(definition.type, name)

    def node_name(self, definition: ExportDefinition) -> str:
        """The graph's name in jobs; the export's own name is taken by its job."""
        return self.asset_key(definition).to_python_identifier()

    def job_name(self, definition: ExportDefinition) -> str:
        """Also the value of the tag `export/name`, which tells runs of two projects on one instance apart."""
        return self.named(definition.name)

    def schedule_name(self, definition: ExportDefinition) -> str:
        return self.named(f"{definition.name}_schedule")

    def without_prefix(self, name: str) -> str | None:
        """The export of a job or tag; None for a name that is another project's."""
        begin = self.named("")
        return name.removeprefix(begin) if name.startswith(begin) else None

    def export_of(self, key: dg.AssetKey) -> str | None:
        """The export whose asset has the key; None for an asset of somebody else's."""
        path = list(key.path)
        if self.prefix and path[:1] != [self.prefix]:
            return None
        own = path[1:] if self.prefix else path
        return own[1] if len(own) == 2 and own[0] in KINDS else None

    @property
    def edges(self) -> str:
        """The resource that carries plans from op to op."""
        return self.named("edges")

    @property
    def edge(self) -> dg.Out:
        return dg.Out(EDGE, io_manager_key=self.edges)

    @property
    def artifacts(self) -> str:
        """The resource that gives assets downstream what an export wrote."""
        return self.named("artifacts")

    @cached_property
    def resources(self) -> Mapping[str, Any]:
        return {self.edges: dg.FilesystemIOManager(), self.artifacts: ArtifactIOManager(self.project)}


KINDS = ("lead", "event", "report", "broken")
