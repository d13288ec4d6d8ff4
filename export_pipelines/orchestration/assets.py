"""One asset for each export, backed by the graph of its ops; a broken definition is an asset that fails with its faults."""

import re
import warnings

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import DefinitionError
from export_pipelines.orchestration import ops
from export_pipelines.orchestration.checks import CHECKS, check_specs
from export_pipelines.orchestration.delivery_ops import deliver_to, record
from export_pipelines.orchestration.failing import told
from export_pipelines.orchestration.names import asset_key, node_name
from export_pipelines.orchestration.partitions import POLICY, partitions_of
from export_pipelines.orchestration.workshop import Workshop

BROKEN = "broken_definitions"
SOURCE_TAG = "export/source"


def export_asset(definition: ExportDefinition, workshop: Workshop) -> dg.AssetsDefinition:
    """The asset `[type, name]` of an export."""
    key = asset_key(definition)
    partitions = partitions_of(definition)
    return dg.AssetsDefinition.from_graph(
        _graph(definition),
        keys_by_output_name={"result": key},
        partitions_def=partitions,
        group_name=definition.type,
        descriptions_by_output_name={"result": definition.description or f"The export {definition.name}"},
        metadata_by_output_name={"result": _code_reference(definition, workshop)},
        tags_by_output_name={
            "result": {**_kinds(definition, workshop), SOURCE_TAG: workshop.settings.dialect}
        },
        owners_by_output_name={"result": _owners(definition)},
        check_specs=check_specs(key, partitions),
        backfill_policy=POLICY if partitions else None,
    )


def broken_asset(name: str, error: DefinitionError) -> dg.AssetsDefinition:
    """Stands in the UI where the export would, and says what is wrong with its file."""
    text = "\n".join(error.faults)

    @dg.asset(
        name=re.sub(r"\W", "_", name),
        key_prefix="broken",
        group_name=BROKEN,
        description=f"This definition cannot be loaded.\n\n```\n{text}\n```",
        metadata={"faults": len(error.faults)},
        kinds={"yaml"},
    )
    def broken() -> None:
        with told():
            raise error

    return broken


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
    optional = {name: field for name, field in ops.WINDOW.items() if not field.is_required}
    return dg.ConfigMapping(
        config_schema={"filter": ops.GIVEN} if definition.partition else optional,
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
    """Dagster shows three: where from, what, where to."""
    kinds = dict.fromkeys(
        [workshop.settings.dialect, definition.format.name, *(one.kind for one in definition.deliver)]
    )
    return {f"dagster/kind/{kind}": "" for kind in list(kinds)[:3]}


def _owners(definition: ExportDefinition) -> list[str]:
    """Dagster knows e-mail addresses and teams; any other owner is a team."""
    if not definition.owner:
        return []
    return [definition.owner if "@" in definition.owner else f"team:{definition.owner}"]


def _code_reference(
    definition: ExportDefinition, workshop: Workshop
) -> dict[str, dg.CodeReferencesMetadataValue]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", dg.BetaWarning
        )  # known; a person at the terminal can do nothing about it
        file = dg.LocalFileCodeReference(
            file_path=str(workshop.file_of(definition)), line_number=1, label=f"{definition.name}.yaml"
        )
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[file])}
