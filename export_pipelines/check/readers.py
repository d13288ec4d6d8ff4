"""What the programs that `for:` names would change in the files of an export, as far as its definition tells."""

from collections.abc import Iterator

from export_pipelines.artifacts import Manifest, Part
from export_pipelines.catalog import Kind
from export_pipelines.check.fault import CheckFault
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import RequestError
from export_pipelines.manifest_of_run import manifest_columns
from export_pipelines.plan.plan import Plan, schema_hash
from export_pipelines.recipes import READERS, Table, recipe_for
from export_pipelines.recipes.recipe import listed
from export_pipelines.recipes.stored import default_name


def reader_faults(definition: ExportDefinition, plan: Plan) -> Iterator[CheckFault]:
    """A warning for each loss that a recipe would announce, and for a format that a program has no recipe for."""
    manifest = manifest_before(plan)
    for place, name in enumerate(definition.readers):
        where = definition.at("for", place)
        try:
            losses = recipe_for(Table(manifest, default_name(manifest)), name).losses
        except RequestError as error:
            yield CheckFault(definition.name, "warning", f"{where}: {error.what} ({error.remedy})")
            continue
        for loss in losses:
            text = f"{where}: {READERS[name].title}: {loss.change}, in {listed(loss.columns)} (keep it by {loss.remedy})"
            yield CheckFault(definition.name, "warning", text)


def manifest_before(plan: Plan) -> Manifest:
    """The manifest that a run could have, of which no value is known: whatever may be in a column is."""
    columns, options = plan.masking.columns, plan.encoding.options
    texts = {column.id: 1 for column in columns if column.kind is Kind.TEXT}
    part = Part(name="part_1", rows=1, bytes=1, raw_bytes=1, sha256="", window=plan.extract.window)
    return Manifest(
        artifact=plan.export,
        export=plan.export,
        type=plan.type,
        created_at=plan.extract.window.end,
        window=plan.extract.window,
        schema_hash=schema_hash(columns),
        schema_version=1,
        format=plan.encoding.format,
        options=options,
        media_type=plan.encoding.media_type,
        codec=plan.compression.codec,
        columns=manifest_columns(columns),
        rows=1,
        bytes=1,
        raw_bytes=1,
        neutralised_cells=1,
        like_null=texts,
        parts=(part,),
    )
