"""Exports whose columns would break readers of their newest files: their next run would be refused."""

from collections.abc import Iterable, Iterator, Mapping

from export_pipelines.artifacts import open_store
from export_pipelines.artifacts.contract import broken, compared
from export_pipelines.check.definitions import Sample
from export_pipelines.check.fault import CheckFault
from export_pipelines.definition import ExportDefinition, Loaded
from export_pipelines.errors import ExportError
from export_pipelines.renamed_exports import with_former
from export_pipelines.settings import Settings

KEYS = ("version", "contract", "fields", "metrics", "type")  # the first that the file has is named


def contract_warnings(
    chosen: Iterable[ExportDefinition],
    samples: Mapping[str, Sample],
    loaded: Loaded,
    settings: Settings,
    connect: bool,
) -> Iterator[CheckFault]:
    """A bucket is asked only if `connect`; a store that does not answer is a fault of its own."""
    if "://" in settings.store_url and not settings.store_url.startswith("file:") and not connect:
        return
    store = with_former(open_store(settings.store_url), loaded)
    for definition in chosen:
        plan = samples[definition.name].plan
        try:
            fault = broken(plan, compared(plan, store))
        except ExportError:
            return
        if fault:
            key = next(key for key in KEYS if key in definition.lines)
            yield CheckFault(
                definition.name, "warning", f"{definition.at(key)}: {fault.what}({fault.remedy})"
            )
