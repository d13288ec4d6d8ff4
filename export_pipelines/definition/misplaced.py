"""A key that is known, and stands where it is not read: where it belongs."""

from export_pipelines.catalog import Catalog
from export_pipelines.definition.delivery import KINDS
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.written import WrittenExport
from export_pipelines.yaml.lines import Key
from export_pipelines.yaml.schema_faults import keys


def placed(catalog: Catalog, fault: tuple[Key, str]) -> tuple[Key, str]:
    """The fault with the place where the key belongs: a destination, or a key of one, at the top of the file, or a field
    among the keys of the filter. Any other fault as it is."""
    match fault[0]:
        case (str(name),) if name not in keys(WrittenExport):
            return fault[0], _of_destination(name) or fault[1]
        case ("filter", str(name)) if name not in keys(Filter) and _is_field(catalog, name):
            where = f"where: {{{name}: [...]}}"
            return fault[0], f'filter: "{name}" is a field; write it under filter.where, as {where}'
    return fault


def _of_destination(name: str) -> str:
    if name in KINDS:
        return f'"{name}" is a destination; write it in the list `deliver`, as deliver: [{{{name}: ...}}]'
    kinds = [kind for kind, settings in KINDS.items() if name in keys(settings)]
    if not kinds:
        return ""
    example = f"deliver: [{{{kinds[0]}: {{{name}: ...}}}}]"
    return f'"{name}" is a key of a destination ({", ".join(kinds)}); write it there, as {example}'


def _is_field(catalog: Catalog, name: str) -> bool:
    return any(dataset.get(name) is not None for dataset in catalog.datasets)
