"""One asset for each export, backed by the graph of its ops."""

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.given import AT_LAUNCH
from export_pipelines.orchestration import ops
from export_pipelines.orchestration.checks import CHECKS, check_specs
from export_pipelines.orchestration.code_reference import code_reference
from export_pipelines.orchestration.delivery_ops import deliver_to, record
from export_pipelines.orchestration.freshness import with_freshness
from export_pipelines.orchestration.names import asset_key, node_name
from export_pipelines.orchestration.partitions import POLICY, partitions_of
from export_pipelines.orchestration.workshop import Workshop

SOURCE_TAG = "export/source"


def export_asset(definition: ExportDefinition, workshop: Workshop) -> dg.AssetsDefinition:
    """The asset `[type, name]` of an export."""
    key = asset_key(definition)
    partitions = partitions_of(definition)
    asset = dg.AssetsDefinition.from_graph(
        _graph(definition),
        keys_by_output_name={"result": key},
        partitions_def=partitions,
        group_name=definition.type,
        descriptions_by_output_name={"result": definition.description or f"The export {definition.name}"},
        metadata_by_output_name={"result": code_reference(workshop.file_of(definition))},
        tags_by_output_name={
            "result": {**_kinds(definition, workshop), SOURCE_TAG: workshop.settings.dialect}
        },
        owners_by_output_name={"result": _owners(definition)},
        check_specs=check_specs(key, partitions),
        backfill_policy=POLICY if partitions else None,
    )
    return with_freshness(asset, definition)


def _graph(definition: ExportDefinition) -> dg.GraphDefinition:
    checks = {spec.name: spec.get_python_identifier() for spec in check_specs(asset_key(definition))}
    outputs = {"result": "result", **checks}

    @dg.graph(
        name=node_name(definition),
        out={name: dg.GraphOut() for name in outputs.values()},
        config=_config(definition),
    )
    def export():  # type: ignore[no-untyped-def]  # Dagster's own proxies
        plans = ops.project_fields(ops.filter_rows(ops.extract()))
        written = ops.write(ops.compress(ops.serialize(ops.mask_pii(plans))))
        ends = _deliver(definition).alias("deliver")(written)
        return {output: getattr(ends, name) for name, output in outputs.items()}

    return export


def _config(definition: ExportDefinition) -> dg.ConfigMapping:
    """A partition is its own window; a run without partitions may be given `start` and `end`; both may be given a filter."""
    schema = {name: field for name, field in ops.WINDOW.items() if not field.is_required}
    if definition.partition:
        schema = {"filter": ops.GIVEN}
    if definition.filter.lead_ids == AT_LAUNCH:
        schema["filter"] = ops.LEADS  # the Launchpad's form asks for it, and refuses a run without it
    return dg.ConfigMapping(
        config_schema=schema,
        config_fn=lambda given: {"extract": {"config": {"export": definition.name, **given}}},
    )


def _deliver(definition: ExportDefinition) -> dg.GraphDefinition:
    @dg.graph(
        name=f"{node_name(definition)}__deliver",
        out={name: dg.GraphOut() for name in ("result", *CHECKS)},
        description="Each destination by itself, then the record",
    )
    def deliver(written):  # type: ignore[no-untyped-def]
        sent = [deliver_to(n, one.kind)(written) for n, one in enumerate(definition.deliver, start=1)]
        ends = record(written, sent)
        return {name: getattr(ends, name) for name in ("result", *CHECKS)}

    return deliver


def _kinds(definition: ExportDefinition, workshop: Workshop) -> dict[str, str]:
    """Where from, what, and every kind of where to."""
    kinds = [workshop.settings.dialect, definition.format.name, *(one.kind for one in definition.deliver)]
    return {f"dagster/kind/{kind}": "" for kind in dict.fromkeys(kinds)}


def _owners(definition: ExportDefinition) -> list[str]:
    """Dagster knows e-mail addresses and teams; any other owner is a team."""
    if not definition.owner:
        return []
    return [definition.owner if "@" in definition.owner else f"team:{definition.owner}"]
