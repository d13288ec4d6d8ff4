"""The words under `privacy`, by the closeness of their keys to a field: which word holds for it, and from which key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from export_pipelines.access import TREATMENTS
from export_pipelines.catalog import PERSONAL_CLASSES, Component, Dataset, Field
from export_pipelines.errors import CatalogError, RequestError
from export_pipelines.plan.plan import Mask
from export_pipelines.plan.request import PlanRequest

STRICTNESS = tuple(map(Mask, TREATMENTS))
UNDECLARED = "*"


class Entry(NamedTuple):
    """One line of `privacy`: the key as written, the full id or glob that it means, the word."""

    key: str
    pattern: str
    mask: Mask


@dataclass(frozen=True)
class Words:
    """The words of a definition over its dataset."""

    dataset: Dataset
    exact: tuple[Entry, ...]
    globs: tuple[Entry, ...]
    classes: tuple[Entry, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.exact, *self.globs, *self.classes)

    def of(self, field: Field) -> Mask | None:
        """The word for the field's values, under whatever id they are exported; None where there is none.

        The closest key wins: the field's id, a glob over it, another id of its column, the object around it, its class;
        the strictest of several that are as close. A glob, an object and a class reach personal data of open types only.
        """
        for entries in self._by_closeness(field):
            masks = [entry.mask for entry in entries]
            if masks:
                return strictest(masks)
        return None

    def named(self, id: str) -> list[Mask]:
        """The words of keys that name this id itself."""
        return [entry.mask for entry in self.exact if entry.pattern == id]

    def inside(self, whole: Field) -> Mask | None:
        """The word for what an object holds undeclared."""
        undeclared = f"{whole.id}.{UNDECLARED}"
        own = [entry.mask for entry in self.globs if entry.pattern == undeclared]
        return strictest(own) or self.of(whole)

    def reached(self, entry: Entry) -> list[Field]:
        """The fields for whose values the key of this entry stands, though a closer one may win."""
        return [
            field
            for field in self.dataset.fields
            if any(entry in entries for entries in self._by_closeness(field))
        ]

    def parts(self, entry: Entry) -> list[Component]:
        """The parts of values that this entry itself keeps or removes; a glob those of open types only."""
        if entry.mask not in (Mask.KEEP, Mask.REMOVE):
            return []
        parts = [part for part in _matched(entry, self.dataset) if isinstance(part, Component)]
        return [part for part in parts if part.field.is_open or not is_glob(entry.key)]

    def part(self, part: Component) -> Mask | None:
        """The word for a part itself. The word for the value goes before a glob for its parts."""
        own = self.named(part.id)
        if not own and self.named(part.field.id):
            return None
        return strictest(own or [glob.mask for glob in self.globs if part in self.parts(glob)])

    def _by_closeness(self, field: Field) -> Iterator[list[Entry]]:
        names = [[field.id], [other.id for other in same_values(field, self.dataset)]]
        names += [[other.id] for other in objects_around(field, self.dataset)]
        for number, ids in enumerate(names):
            if number < 2 or field.is_open:
                yield [entry for entry in self.exact if entry.pattern in ids]
            if field.is_open:
                yield [entry for entry in self.globs for id in ids if fnmatchcase(id, entry.pattern)]
        if field.is_open:
            yield [entry for entry in self.classes if entry.pattern == field.pii]


def words_of(request: PlanRequest) -> Words:
    """Raises RequestError for a key of `privacy` that names nothing, or a mask for a part of a value alone."""
    exact: list[Entry] = []
    globs: list[Entry] = []
    classes: list[Entry] = []
    for key, word in request.definition.privacy.items():
        entry = Entry(key, request.dataset.full(key), Mask(word))
        if key in PERSONAL_CLASSES:
            classes.append(Entry(key, key, Mask(word)))
            continue
        _require_match(entry, request)
        (globs if is_glob(key) else exact).append(entry)
    return Words(request.dataset, tuple(exact), tuple(globs), tuple(classes))


def is_glob(key: str) -> bool:
    return "*" in key or "?" in key


def strictest(masks: Iterable[Mask | None]) -> Mask | None:
    return max((mask for mask in masks if mask), key=STRICTNESS.index, default=None)


def same_values(field: Field, dataset: Dataset) -> list[Field]:
    """The other fields that are read from the same place."""
    place = field.column, field.path
    return [other for other in dataset.fields if other.id != field.id and (other.column, other.path) == place]


def objects_around(field: Field, dataset: Dataset) -> list[Field]:
    """The objects in which the field lies, the innermost first."""
    around = [parent for parent in dataset.wide if path_inside(field, parent) is not None]
    return sorted(around, key=lambda parent: len(parent.path or ""), reverse=True)


def path_inside(field: Field, whole: Field) -> str | None:
    """The path of `field` inside the JSON object `whole`, or None when it does not lie there."""
    if field.column != whole.column or field.path is None:
        return None
    if whole.path is None:
        return field.path
    return field.path[len(whole.path) + 1 :] if field.path.startswith(whole.path + ".") else None


def _matched(entry: Entry, dataset: Dataset) -> tuple[Field | Component, ...]:
    try:
        return dataset.match(entry.pattern)
    except CatalogError:
        return ()


def _require_match(entry: Entry, request: PlanRequest) -> None:
    """Raises RequestError for a key that names nothing, or a mask for a component alone."""
    dataset, where = request.dataset, request.definition.at("privacy", entry.key)
    if entry.pattern in {f"{field.id}.{UNDECLARED}" for field in dataset.wide}:
        return
    try:
        fields = dataset.match(entry.key)
    except CatalogError as error:
        raise RequestError(error.what, where=where) from error
    parts = [part for part in fields if isinstance(part, Component)]
    if len(parts) == len(fields) and entry.mask not in (Mask.KEEP, Mask.REMOVE):
        raise RequestError(
            f'"{entry.key}" names parts of a value; a part can be removed, not "{entry.mask}"',
            where=where,
            remedy=f"privacy: {{{parts[0].field.id}: {entry.mask}}} treats the value and leaves out what would reveal it",
        )
