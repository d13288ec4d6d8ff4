"""The boxes of every export's graph, in order. Made once for a code location, since Dagster takes no two ops of one name."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import dagster as dg

from export_pipelines.orchestration import op_bodies
from export_pipelines.orchestration.code_location import EDGE, CodeLocation
from export_pipelines.orchestration.edges import Edge
from export_pipelines.orchestration.retry_policy import RETRY
from export_pipelines.plan import STEPS

POOL = "source"
TEXT = {
    "extract": "Which table, which window; demands that the window is complete",
    "filter": "Which rows",
    "project_fields": "Which columns",
    "mask_pii": "Which masks; demands the keys, and that the source can be read",
    "serialize": "Which format",
    "compress": "Which compression",
    "write": "Runs the plans: one artifact for each window, in one pass over its rows",
}
PLANNING = [name for name, _ in STEPS if name in TEXT and name not in ("extract", "write")]


class ExportOps:
    """Each op stands in a graph under its plain name, whatever the prefix."""

    def __init__(self, location: CodeLocation) -> None:
        self.location = location

    def write(self, after: Any = None) -> Any:
        """Within a graph: plans and writes; begins when all of `after` is there, if that is given."""
        extract = self._extract if after is None else self._extract_after
        plans = extract.alias("extract")(*([] if after is None else [after]))
        for name, op in self._planning.items():
            plans = op.alias(name)(plans)
        return self._write.alias("write")(plans)

    @cached_property
    def _extract(self) -> dg.OpDefinition:
        return self._extracting("extract", {})

    @cached_property
    def _extract_after(self) -> dg.OpDefinition:
        return self._extracting("extract_after", {"after": dg.In(dg.Nothing)})

    def _extracting(self, name: str, ins: dict[str, dg.In]) -> dg.OpDefinition:
        location = self.location

        @dg.op(
            name=location.named(name),
            description=TEXT["extract"],
            config_schema=op_bodies.WINDOW,
            ins=ins,
            out=location.edge,
            retry_policy=RETRY,
        )
        def extract(context: dg.OpExecutionContext) -> Edge:
            return op_bodies.extract(context, location)

        return extract

    @cached_property
    def _planning(self) -> dict[str, dg.OpDefinition]:
        return {name: self._on_plans(name, partial(op_bodies.add_section, name)) for name in PLANNING}

    @cached_property
    def _write(self) -> dg.OpDefinition:
        return self._on_plans("write", op_bodies.write, pool=self.location.named(POOL))

    def _on_plans(self, name: str, work: Callable[..., Edge], **options: Any) -> dg.OpDefinition:
        location = self.location

        @dg.op(
            name=location.named(name),
            description=TEXT[name],
            ins={"plans": dg.In(EDGE)},
            out=location.edge,
            retry_policy=RETRY,
            **options,
        )
        def on_plans(context: dg.OpExecutionContext, plans: Edge) -> Edge:
            return work(context, location, plans)

        return on_plans


def pools_of(definitions: dg.Definitions) -> set[str]:
    """The pools of all ops."""
    jobs = definitions.get_repository_def().get_all_jobs()
    ops = (node for job in jobs for node in job.all_node_defs if isinstance(node, dg.OpDefinition))
    return {op.pool for op in ops if op.pool}
