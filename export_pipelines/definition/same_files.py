"""Where an export's files go, as its templates say, and which exports would write the same ones."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from export_pipelines.definition.default_naming import default_naming
from export_pipelines.definition.destinations import DestinationSettings
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.templates import WORDS, render

# What only a window gives, before there is one: a letter of no alphabet for each word, which no filter changes.
OPEN: Mapping[str, str] = {word: chr(0xE000 + number) for number, word in enumerate(sorted(WORDS))}
_SHOWN = str.maketrans({letter: f"{{{{{word}}}}}" for word, letter in OPEN.items()})


@dataclass(frozen=True, order=True)
class Target:
    """The files of one window at one destination: a folder, on a server or here, and the name of the first part in it,
    which is empty where the folder's template names the files."""

    server: str
    folder: Path
    name: str

    def __str__(self) -> str:
        return f"{self.server}{self.folder}".translate(_SHOWN)


def target_of(
    entry: DestinationSettings, words: Mapping[str, str], name: str, here: Path = Path()
) -> Target | None:
    """Where `entry` puts a part `name` by `words`; None for a kind that holds no files. `here`: what a folder of this
    machine is taken from where it is relative. Raises RequestError for a template that cannot be filled in."""
    template = entry.template()
    if template is None:
        return None
    folder, server = Path(render(template, words)), entry.server()
    return Target(server, folder if server else here / folder, "" if entry.names_files() else name)


def file_words(definition: ExportDefinition) -> dict[str, str]:
    """The words of templates that the definition itself gives, for its first part."""
    ext = f"{definition.format.name}.{definition.compression.codec}"
    version = str(definition.version)
    return {"export": definition.name, "type": definition.type, "version": version, "part": "1", "ext": ext}


def targets_of(definition: ExportDefinition) -> Iterator[Target]:
    """Those of any window, with its words open. Raises RequestError."""
    targets = (target_of_entry(definition, entry) for entry in definition.deliver)
    return (target for target in targets if target is not None)


def target_of_entry(definition: ExportDefinition, entry: DestinationSettings) -> Target | None:
    """That of any window at one destination."""
    words = {**OPEN, **file_words(definition)}
    return target_of(entry, words, render(definition.naming or default_naming(definition), words))


class Claims:
    """The targets of exports, so that the next one is held against them."""

    def __init__(self) -> None:
        self._exports: dict[Target, list[str]] = {}

    def rivals(self, targets: Iterable[Target]) -> dict[str, Target]:
        """Exports that write one of `targets`, each with the first of them."""
        rivals: dict[str, Target] = {}
        for target in sorted(set(targets)):
            for export in self._exports.get(target, ()):
                rivals.setdefault(export, target)
        return rivals

    def add(self, export: str, targets: Iterable[Target]) -> None:
        for target in set(targets):
            self._exports.setdefault(target, []).append(export)


def conflict(definition: ExportDefinition, rival: str, target: Target) -> str:
    """The fault of an export whose files another one writes, too."""
    return (
        f'{definition.at("deliver")}: deliver: {rival} writes the same files into "{target}"; '
        "put {{export}} into the path or the naming of one"
    )
