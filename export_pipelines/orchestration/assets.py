"""One asset for each export, backed by the graph of its ops."""

from inspect import Parameter, Signature
from typing import NamedTuple, Self

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.overrides import AT_LAUNCH
from export_pipelines.orchestration import op_bodies
from export_pipelines.orchestration.checks import CHECKS, check_specs
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.code_reference import code_reference
from export_pipelines.orchestration.dagster_partitions import partitions_of
from export_pipelines.orchestration.delivery_ops import DeliveryOps
from export_pipelines.orchestration.freshness_policy import with_freshness
from export_pipelines.orchestration.lineage import table_keys
from export_pipelines.orchestration.op_definitions import ExportOps

SOURCE_TAG = "export/source"


class Ops(NamedTuple):
    """Those of a code location, which its exports share."""

    exporting: ExportOps
    delivering: DeliveryOps

    @classmethod
    def of(cls, location: CodeLocation) -> Self:
        return cls(ExportOps(location), DeliveryOps(location))


def export_asset(definition: ExportDefinition, location: CodeLocation, ops: Ops) -> dg.AssetsDefinition:
    """The asset `[type, name]` of an export, after the prefix where there is one."""
    key, deps = location.asset_key(definition), _deps(definition, location)
    partitions = partitions_of(definition)
    policy = dg.BackfillPolicy.multi_run(location.project.settings.partitions_per_run)
    asset = dg.AssetsDefinition.from_graph(
        _graph(definition, location, ops),
        keys_by_input_name={_input(number): dep for number, dep in enumerate(deps)},
        keys_by_output_name={"result": key},
        partitions_def=partitions,
        group_name=location.named(definition.type),
        descriptions_by_output_name={"result": definition.description or f"The export {definition.name}"},
        metadata_by_output_name={"result": code_reference(location.project.file_of(definition))},
        tags_by_output_name={
            "result": {**_kinds(definition, location), SOURCE_TAG: location.project.settings.dialect}
        },
        owners_by_output_name={"result": _owners(definition)},
        check_specs=check_specs(key, partitions),
        backfill_policy=policy if partitions else None,
    )
    return with_freshness(asset, definition)


def _deps(definition: ExportDefinition, location: CodeLocation) -> list[dg.AssetKey]:
    """What the export comes after: the tables that it reads, and what the code location says."""
    named = location.deps.get(definition.name, ())
    return list(dict.fromkeys((*table_keys(definition, location), *named)))


def _input(number: int) -> str:
    return f"after_{number}"


def _graph(definition: ExportDefinition, location: CodeLocation, ops: Ops) -> dg.GraphDefinition:
    checks = {spec.name: spec.get_python_identifier() for spec in check_specs(location.asset_key(definition))}
    outputs = {"result": "result", **checks}
    inputs = [_input(number) for number in range(len(_deps(definition, location)))]

    def export(**after):  # type: ignore[no-untyped-def]  # Dagster's own proxies
        written = ops.exporting.write(list(after.values()))
        ends = _deliver(definition, location, ops.delivering).alias("deliver")(written)
        return {output: getattr(ends, name) for name, output in outputs.items()}

    # Dagster reads the graph's inputs from the signature, and their number is known only now.
    export.__signature__ = Signature([Parameter(text, Parameter.KEYWORD_ONLY) for text in inputs])  # type: ignore[attr-defined]
    return dg.graph(
        name=location.node_name(definition),
        ins={text: dg.GraphIn() for text in inputs},
        out={name: dg.GraphOut() for name in outputs.values()},
        config=_config(definition),
    )(export)


def _config(definition: ExportDefinition) -> dg.ConfigMapping:
    """A partition is its own window; a run without partitions may be given `start` and `end`; both may be given a filter."""
    schema = {name: field for name, field in op_bodies.WINDOW.items() if not field.is_required}
    if definition.partition:
        schema = {"filter": op_bodies.OVERRIDES}
    if definition.filter.lead_ids == AT_LAUNCH:
        schema["filter"] = op_bodies.LEADS  # the Launchpad's form asks for it, and refuses a run without it
    return dg.ConfigMapping(
        config_schema=schema,
        config_fn=lambda config: {"extract": {"config": {"export": definition.name, **config}}},
    )


def _deliver(
    definition: ExportDefinition, location: CodeLocation, delivering: DeliveryOps
) -> dg.GraphDefinition:
    @dg.graph(
        name=f"{location.node_name(definition)}__deliver",
        out={name: dg.GraphOut() for name in ("result", *CHECKS)},
        description="Each destination by itself, then the record",
    )
    def deliver(written):  # type: ignore[no-untyped-def]
        sent = [
            delivering.to(n, item.kind).alias(f"{item.kind}_{n}")(written)
            for n, item in enumerate(definition.deliver, start=1)
        ]
        ends = delivering.record.alias("record")(written, sent)
        return {name: getattr(ends, name) for name in ("result", *CHECKS)}

    return deliver


def _kinds(definition: ExportDefinition, location: CodeLocation) -> dict[str, str]:
    """Where from, what, and every kind of where to."""
    kinds = [
        location.project.settings.dialect,
        definition.format.name,
        *(destination.kind for destination in definition.deliver),
    ]
    return {f"dagster/kind/{kind}": "" for kind in dict.fromkeys(kinds)}


def _owners(definition: ExportDefinition) -> list[str]:
    """Dagster knows e-mail addresses and teams; any other owner is a team."""
    if not definition.owner:
        return []
    return [definition.owner if "@" in definition.owner else f"team:{definition.owner}"]
