"""`mode: changes` beside the other keys of its export and the catalog."""

from collections.abc import Iterator

from export_pipelines.catalog import Dataset, Field, Kind
from export_pipelines.definition.mode import changes_of
from export_pipelines.definition.written import WrittenExport
from export_pipelines.templates import words_in
from export_pipelines.yaml.lines import Key

KEY_KINDS = (Kind.TEXT, Kind.INTEGER)


def mode_faults(written: WrittenExport, dataset: Dataset) -> Iterator[tuple[Key, str]]:
    """Every fault of `mode`."""
    if changes_of(written.mode) is None or written.stream is not None:
        return
    if written.type == "report":
        yield ("mode",), "mode: a report has groups, and no rows to find again; allowed: full"
        return
    yield from _places(written)
    field = dataset.find(dataset.row_id)
    if not isinstance(field, Field) or field.kind not in KEY_KINDS:
        yield (
            ("mode",),
            f"mode: changes needs an id that is unique, and {dataset.row_id} is none; allowed: full",
        )
    elif field.is_personal:
        yield (
            ("mode",),
            f"mode: changes keeps the id of each row, and {field.id} is personal ({field.pii}); allowed: full",
        )


def _places(written: WrittenExport) -> Iterator[tuple[Key, str]]:
    """What has changed is lost where the next artifact replaces files that nobody has read yet."""
    for number, destination in enumerate(written.deliver):
        if getattr(destination, "manifest", True) is False:
            yield (
                ("deliver", number),
                f"deliver.{number}: manifest: with mode: changes the manifest tells a full set from a difference; leave it out",
            )
        template = destination.template()
        if template is not None and destination.replaces() == "replace" and "run" not in words_in(template):
            yield (
                ("deliver", number),
                f"deliver.{number}: with mode: changes each artifact needs a place of its own, since the next one does not hold "
                f"what is in this one; put {{{{run}}}} into the {destination.place}, or take overwrite: never or version",
            )
