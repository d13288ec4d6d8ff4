"""What is known of a stream without a connection: whether its records have a plan. Reads no data, so that `check` is quick."""

from typing import TYPE_CHECKING

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.stream import KinesisSettings, Stream
from export_pipelines.errors import RequestError
from export_pipelines.plan.compile import compile_plan
from export_pipelines.plan.plan import Mask, Plan
from export_pipelines.plan.request import PlanRequest

if TYPE_CHECKING:
    from export_pipelines.delivery import Resources


def require_plannable(request: PlanRequest, resources: "Resources") -> Plan:
    """What can be known without a connection: the plan of the records, with no condition of a mechanism. Raises RequestError for an export with an end, a plan that cannot be, what may
    not be named, or a partition key that is not among the columns."""
    definition = request.definition
    stream = definition.stream
    if stream is None:
        raise RequestError(
            f"{definition.name} is no stream",
            where=definition.at("type"),
            remedy=f"export-pipelines run {definition.name}, or write `stream:` into the file",
        )
    if request.rights and request.rights.effective.max_rows is not None:
        raise RequestError(
            "a role of the owner, or of who runs it, may have a number of rows, and a stream has no end",
            where=definition.at("owner"),
            remedy="take max_rows out of the role, or give the stream another owner",
        )
    for named in stream.sink.named():
        key = ("stream", stream.kind, *named.key)
        resources.require(named.kind, named.name, definition.at(*key))
    plan = compile_plan(request)
    _require_key(stream, plan, definition)
    _require_open_ids(plan, request.dataset.row_id, definition)
    return plan


def _require_open_ids(plan: Plan, row_id: str, definition: ExportDefinition) -> None:
    """That the ids by which records are named are not to be hidden."""
    hidden = any(
        column.source == row_id and column.mask not in (None, Mask.KEEP) for column in plan.masking.columns
    )
    if hidden or row_id in plan.masking.removed:
        raise RequestError(
            f"{row_id} is hidden, and by it a stream names its records and tells doubles",
            where=definition.at("privacy"),
            remedy="take it out of `privacy`, or export files instead",
        )


def _require_key(stream: Stream, plan: Plan, definition: ExportDefinition) -> None:
    """That the partition key is a column of the records, as it is shown there."""
    if not isinstance(stream.sink, KinesisSettings):
        return
    key = stream.sink.partition_key
    if key not in {column.id for column in plan.masking.columns}:
        why = "is removed for privacy" if key in plan.masking.removed else "is not among the fields"
        raise RequestError(
            f'the partition key "{key}" {why}, so no record could be given to a shard',
            where=definition.at("stream", "kinesis", "partition_key"),
            remedy="name an exported column; a hashed one keeps the order of its records, too",
        )
