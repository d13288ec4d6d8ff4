"""Where files would go: exports, or windows of one export, that would write the same."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from export_pipelines.artifacts import open_store
from export_pipelines.check.definitions import Sample
from export_pipelines.check.fault import CheckFault, faults_of
from export_pipelines.definition import ExportDefinition, Loaded
from export_pipelines.definition.destinations.settings import Overwrite
from export_pipelines.definition.same_files import (
    Claims,
    Target,
    conflict,
    file_words,
    target_of,
    target_of_entry,
)
from export_pipelines.errors import ExportError
from export_pipelines.plan import WindowFiles
from export_pipelines.plan.window_words import window_words
from export_pipelines.settings import Settings
from export_pipelines.templates import words_in


def path_faults(loaded: Loaded, samples: Mapping[str, Sample], settings: Settings) -> Iterator[CheckFault]:
    claims, by_name = Claims(), {definition.name: definition for definition in loaded.definitions}
    for definition in loaded.definitions:
        if definition.name not in samples:
            continue
        try:
            written = [
                output
                for files in samples[definition.name].files
                for output in _written(files, definition, settings)
            ]
        except ExportError as error:
            yield from faults_of(definition.name, error)
            continue
        yield from _own_faults(definition, written, settings)
        yield from _version_faults(definition)
        targets = [output.target for output in written]
        for rival, target in claims.rivals(targets).items():
            yield CheckFault(definition.name, "error", conflict(definition, rival, target))
            yield CheckFault(rival, "error", conflict(by_name[rival], definition.name, target))
        claims.add(definition.name, targets)


class _Written(NamedTuple):
    """What one window writes at one destination."""

    target: Target
    overwrite: Overwrite
    window: str


def _written(files: WindowFiles, definition: ExportDefinition, settings: Settings) -> Iterator[_Written]:
    window, here = files.window, settings.home / "delivered"
    words = {**window_words(window), **file_words(definition), "run": window.key}
    for entry in definition.deliver:
        target = target_of(entry, words, files.first, here)
        if target is not None:
            yield _Written(target, entry.replaces(), window.key)


def _version_faults(definition: ExportDefinition) -> Iterator[CheckFault]:
    """Where this version would write over the files that readers have of the one before."""
    if definition.version == 1:
        return
    before = definition.model_copy(update={"version": definition.version - 1})
    for number, entry in enumerate(definition.deliver):
        target = target_of_entry(definition, entry)
        if target is None or target != target_of_entry(before, entry) or entry.replaces() == "version":
            continue
        if "run" in words_in(str(entry.template())):
            continue  # each artifact has a place of its own
        then = "replaces those" if entry.replaces() == "replace" else "is refused because of those"
        text = (
            f"{definition.at('deliver', number)}: version {definition.version} writes the same files into {target} as "
            f"version {before.version}, and {then}; put {{{{version}}}} into the {entry.place} or the naming"
        )
        yield CheckFault(definition.name, "warning", text)


def _own_faults(
    definition: ExportDefinition, written: Iterable[_Written], settings: Settings
) -> Iterator[CheckFault]:
    store = open_store(settings.store_url)
    where = definition.at("deliver")
    first: dict[Target, str] = {}
    for target, overwrite, window in written:
        if not target.server and store.holds(target.folder):
            text = (
                f"{where}: {target.folder} lies inside the artifact store; deliver to a folder outside of it"
            )
            yield CheckFault(definition.name, "error", text)
            return
        other = first.setdefault(target, window)
        if other != window and overwrite != "version" and definition.partition:
            then = "replace" if overwrite == "replace" else "be refused because of"
            text = (
                f"{where}: windows {other} and {window} both write {target}: one "
                f"would {then} the other; put {{{{date}}}} into the path or the naming, or say overwrite: version"
            )
            yield CheckFault(definition.name, "warning", text)
            return
