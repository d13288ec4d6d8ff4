"""Reads the files of `exports/`: a good one becomes an ExportDefinition, a bad one a DefinitionError with all faults."""

import re
import traceback
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from export_pipelines.catalog import Catalog
from export_pipelines.catalog.load import printable, shown
from export_pipelines.definition.checks import Faults, definition_faults, kept_faults, override_faults
from export_pipelines.definition.document import read_document
from export_pipelines.definition.export import RETRY_FOR, ExportDefinition
from export_pipelines.definition.misplaced import placed
from export_pipelines.definition.mode import changes_of
from export_pipelines.definition.output import compression_of, format_of
from export_pipelines.definition.overrides import RunOverrides, is_overridden, with_overrides
from export_pipelines.definition.reserved_names import taken_by
from export_pipelines.definition.same_files import Claims, conflict, targets_of
from export_pipelines.definition.stream_checks import format_fault, with_format
from export_pipelines.definition.written import WrittenExport, cadence_of
from export_pipelines.errors import DefinitionError, RequestError, SettingsError, unknown
from export_pipelines.yaml.lines import Document, Key
from export_pipelines.yaml.schema_faults import plain_faults

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Loaded:
    """All definitions of a folder, sorted by name, those of `streams` apart; `broken` holds the names of those that did not
    load."""

    definitions: tuple[ExportDefinition, ...]
    broken: Mapping[str, DefinitionError]
    streams: tuple[ExportDefinition, ...] = ()

    @property
    def all(self) -> tuple[ExportDefinition, ...]:
        """With an end and without, sorted by name."""
        return tuple(sorted((*self.definitions, *self.streams), key=lambda definition: definition.name))

    def named(self, name: str) -> ExportDefinition:
        """The export of that name, or that had it. Raises DefinitionError for a broken one, RequestError for one that is
        not there."""
        if name in self.broken:
            raise self.broken[name]
        heirs = (
            definition
            for definition in self.all
            if name == definition.name or name in definition.renamed_from
        )
        heir = next(heirs, None)
        if heir is None:
            raise self._unknown(name, self.names)
        return heir

    @property
    def names(self) -> frozenset[str]:
        """Of all files, those that did not load, too."""
        return frozenset({*(definition.name for definition in self.all), *self.broken})

    def require(self, name: str, gone: Iterable[str] = ()) -> None:
        """Raises RequestError for an export that is neither here nor one of those that are `gone`."""
        known = {*self.names, *gone}
        if name not in known:
            raise self._unknown(name, known)

    def _unknown(self, name: str, known: Iterable[str]) -> RequestError:
        return RequestError(unknown("export", name, known, "export-pipelines list"))


def load_definitions(folder: Path, catalog: Catalog, known: Container[str] = ()) -> Loaded:
    """Every definition in `folder`; a bad file never keeps another from loading. Raises SettingsError without a folder.

    Of two that would write the same files, one that is `known` is read first, and the other is the broken one.
    """
    good: dict[str, ExportDefinition] = {}
    broken: dict[str, DefinitionError] = {}
    claims = Claims()
    for path in sorted(_files(folder), key=lambda path: (path.stem not in known, path)):
        try:
            definition = load_definition(path, catalog)
            _require_room(definition, good, claims)
            good[definition.name] = definition
        except DefinitionError as error:
            broken[printable(path.name if path.stem in good else path.stem)] = error
    for name, faults in _rename_faults(good, broken):
        broken[name] = DefinitionError(faults)
        del good[name]
    loaded = [good[name] for name in sorted(good)]
    return Loaded(
        tuple(definition for definition in loaded if not definition.stream),
        dict(sorted(broken.items())),
        tuple(definition for definition in loaded if definition.stream),
    )


def load_definition(path: Path, catalog: Catalog, overrides: RunOverrides | None = None) -> ExportDefinition:
    """The definition in the file, in which the run `overrides` replace keys of the filter.

    Raises DefinitionError with every fault, each `exports/x.yaml:7: key: what; allowed`.
    """
    try:
        return _load(path, catalog, overrides or {})
    except DefinitionError:
        raise
    except Exception as error:
        raise crashed(f"{shown(path)}:1", error) from error


def crashed(where: str, error: Exception) -> DefinitionError:
    """A fault of the program that a definition brought about: it is that definition's alone. The text of a foreign error
    may quote anything, so the class and the place stand for it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return DefinitionError(
        [f"{where}: the program cannot take this definition: {type(error).__name__}{place}; please report it"]
    )


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix in SUFFIXES and path.name[0] != "."]
    except OSError as error:
        raise SettingsError(
            f"cannot read the folder of exports: {error.strerror}",
            where=shown(folder),
            remedy="make it, or set EXPORT_PIPELINES_DEFINITIONS",
        ) from error


def ad_hoc_definition(name: str, data: Any, catalog: Catalog) -> ExportDefinition:
    """The export that a request describes by `data`, the keys of a file; it stands in no file, so errors name `name`.

    Raises DefinitionError with every fault, also for values that tell a person, since requests are kept in the ledger.
    """
    try:
        document = Document(data, {})
        _Faults(name, document, {}).at([*_early_faults(data), *_ad_hoc_faults(data)])
        definition = _checked(Path(name), name, document, catalog, {})
        written = WrittenExport.model_validate(data)
        _Faults(name, document, {}).at(kept_faults(written, catalog))
        return definition
    except DefinitionError:
        raise
    except Exception as error:
        raise crashed(name, error) from error


def _load(path: Path, catalog: Catalog, overrides: RunOverrides) -> ExportDefinition:
    file = shown(path)
    document = read_document(path)
    document = replace(document, data=with_overrides(document.data, overrides))
    _Faults(file, document, overrides).at([*_name_faults(path), *_early_faults(document.data)])
    return _checked(path, file, document, catalog, overrides)


def _checked(
    path: Path, file: str, document: Document, catalog: Catalog, overrides: RunOverrides
) -> ExportDefinition:
    stop = _Faults(file, document, overrides)
    try:
        written = WrittenExport.model_validate(with_format(document.data))
    except ValidationError as error:
        faults = [*map(partial(placed, catalog), plain_faults(error, WrittenExport))]
        stop.at([*faults, *_faults_of_valid_keys(document.data, faults, catalog)])
        raise
    stop.at(definition_faults(written, catalog))
    stop.at(override_faults(written, catalog, overrides))
    return _definition(path, file, written, document, overrides)


class _Faults:
    """Turns faults into one error, with the line of each."""

    def __init__(self, file: str, document: Document, overrides: RunOverrides) -> None:
        self.file, self.document, self.overrides = file, document, overrides

    def at(self, faults: Iterable[tuple[Key, str]]) -> None:
        """Raises DefinitionError unless `faults` is empty."""
        places = sorted({(self._line(key), text, key) for key, text in faults}, key=lambda place: place[:2])
        lines = dict.fromkeys((line, text) for line, text, _ in places)
        if lines:
            raise DefinitionError(
                (
                    f"{self.file}:{line}: {text}" if line else f"{self.file}, set at launch: {text}"
                    for line, text in lines
                ),
                ((key, text) for _, text, key in places),
            )

    def _line(self, key: Key) -> int:
        """0 for what the file does not say."""
        return 0 if is_overridden(key, self.overrides) else self.document.line(key)


def _name_faults(path: Path) -> Faults:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
        yield (
            (),
            f"the file's name is the export's name: lower-case letters, digits and _, not \"{printable(path.stem)}\"",
        )
    if whose := taken_by(path.stem):
        yield (), f'"{path.stem}" is {whose}; rename the file'


def _early_faults(data: Any) -> Faults:
    """What makes every other fault pointless."""
    if not isinstance(data, dict):
        yield (), "an export definition is a mapping (key: value), with at least type and format"
    else:
        yield from format_fault(data)


def _ad_hoc_faults(data: Any) -> Faults:
    if isinstance(data, dict) and "stream" in data:
        yield ("stream",), "stream: a request is for files; a stream is a file in the folder of exports"
    if isinstance(data, dict) and data.get("mode", "full") != "full":
        yield ("mode",), "mode: a request has one artifact, and none before it; allowed: full"


def _faults_of_valid_keys(data: dict[str, Any], faults: list[tuple[Key, str]], catalog: Catalog) -> Faults:
    """Faults against the catalog of those keys in which nothing else is wrong, so that one look shows them all."""
    wrong = {key[0] for key, _ in faults if key}
    valid = {key: value for key, value in data.items() if key not in wrong}
    try:
        written = WrittenExport.model_validate({"type": "lead", "format": "csv", **valid})
    except ValidationError:
        return
    yield from definition_faults(written, catalog)


def _definition(
    path: Path, file: str, written: WrittenExport, document: Document, overrides: RunOverrides
) -> ExportDefinition:
    schedule = written.schedule
    same = ("description", "owner", "type", "filter", "sort", "start", "privacy", "split", "naming", "skip_empty", "bad_json", "retention", "quiet_hours", "limits", "readers", "recipes", "contract", "version", "renamed_from")  # fmt: skip
    return ExportDefinition(
        name=path.stem,
        path=Path(file),
        overrides=overrides,
        **{key: getattr(written, key) for key in same},
        format=format_of(written.format),
        report=written.report,
        fields=tuple(written.fields) if isinstance(written.fields, list) else written.fields,
        changes=changes_of(written.mode),
        partition=cadence_of(written),
        stream=written.stream,
        schedule=schedule.cron if schedule else None,
        retry_for=schedule.retry_for if schedule else RETRY_FOR,
        compression=compression_of(written.compression),
        deliver=tuple(written.deliver),
        lines={".".join(map(str, key)): line for key, line in document.lines.items()},
    )


def _require_room(
    definition: ExportDefinition, others: Mapping[str, ExportDefinition], claims: Claims
) -> None:
    """Raises DefinitionError for a second file of one name, or files that another export writes."""
    if definition.name in others:
        raise DefinitionError(
            [f"{definition.path}:1: {others[definition.name].path} has the same name; rename one"]
        )
    try:
        targets = list(targets_of(definition))
    except RequestError as error:
        raise DefinitionError([f"{definition.at('deliver')}: deliver: {error}"]) from error
    rivals = claims.rivals(targets)
    if rivals:
        raise DefinitionError(conflict(definition, rival, target) for rival, target in rivals.items())
    claims.add(definition.name, targets)


def _rename_faults(
    good: Mapping[str, ExportDefinition], broken: Container[str]
) -> list[tuple[str, list[str]]]:
    """Of definitions that say a name which another has, or says too: its history cannot be that of both."""
    faults_of, heirs = [], dict[str, str]()
    for name, definition in good.items():
        faults = []
        for old in definition.renamed_from:
            at = f"{definition.at('renamed_from')}: renamed_from:"
            if old in good or old in broken:
                faults.append(f'{at} the export "{old}" is still there; rename or remove its file')
            elif heirs.setdefault(old, name) != name:
                faults.append(f'{at} {heirs[old]} was renamed from "{old}" already; name another')
        if faults:
            faults_of.append((name, faults))
    return faults_of
