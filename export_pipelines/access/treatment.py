"""The order of what may be done to a value, and the treatment that a role's `pii` gives a field."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from export_pipelines.catalog import PERSONAL_CLASSES, SEMANTIC_TYPES, Component, Dataset, Field, Kind
from export_pipelines.definition.export import MaskWord

# The later the stricter; the order is total, so of two different treatments one is always the stricter.
TREATMENTS: tuple[MaskWord, ...] = ("keep", "mask", "redact", "tokenize", "hash", "remove")
DEFAULT = "default"
Pii = Mapping[str, MaskWord]


def strictest(words: Iterable[MaskWord]) -> MaskWord | None:
    """None of no words."""
    return max(words, key=TREATMENTS.index, default=None)


def treatment_of(field: Field, pii: Pii, dataset: Dataset) -> MaskWord:
    """The least strict treatment that `pii` allows for the values of `field`, under whatever id they are exported.

    The closest key wins: an id of the column, a glob over one, the semantic type, the class, `default`; the strictest of
    several that are as close. A class and `default` speak for personal data only. Personal values inside of an object
    that an id or a glob names are treated at least as strictly as the object. Without `default` what has no key is
    removed. What `redact` could take nothing from, since the type is closed, is removed.
    """
    own = _closest(field, pii, dataset)
    if field.is_personal:
        around = [_named(whole, pii, dataset) for whole in _objects_around(field, dataset)]
        own = strictest([own, *(word for word in around if word)]) or own
    return "remove" if own == "redact" and not field.semantic_type.open else own


def inside_of(whole: Field, pii: Pii, dataset: Dataset) -> MaskWord:
    """How values in the object `whole` that the catalog does not declare are treated."""
    own = treatment_of(whole, pii, dataset)
    undeclared = {f"{id}.*" for id in _spellings(whole, dataset)}
    return strictest([own, *(word for key, word in pii.items() if key in undeclared)]) or own


def removes_part(part: Component, pii: Pii, dataset: Dataset) -> bool:
    """Whether `pii` removes this part of a value by its own id or a glob."""
    names = [f"{id}.{part.name}" for id in _spellings(part.field, dataset)]
    exact = [word for key, word in pii.items() if key in names]
    globs = [word for key, word in pii.items() if is_glob(key) and _matches(key, names)]
    return strictest(exact or globs) == "remove"


def is_glob(key: str) -> bool:
    return "*" in key or "?" in key


def _closest(field: Field, pii: Pii, dataset: Dataset) -> MaskWord:
    same = [
        same_field
        for same_field in dataset.fields
        if (same_field.column, same_field.path) == (field.column, field.path)
    ]
    named = strictest(word for same_field in same if (word := _named(same_field, pii, dataset)))
    if named:
        return named
    by_type = strictest(pii[same_field.type] for same_field in same if same_field.type in pii)
    if by_type:
        return by_type
    if not any(same_field.is_personal for same_field in same):
        return "keep"
    by_class = strictest(
        pii[same_field.pii] for same_field in same if same_field.is_personal and same_field.pii in pii
    )
    return by_class or pii.get(DEFAULT, "remove")


def _named(field: Field, pii: Pii, dataset: Dataset) -> MaskWord | None:
    """The word of a key that is an id of the field, else of a glob over one."""
    ids = list(_spellings(field, dataset))
    exact = strictest(pii[id] for id in ids if id in pii)
    return exact or strictest(word for key, word in pii.items() if is_glob(key) and _matches(key, ids))


def _spellings(field: Field, dataset: Dataset) -> Iterator[str]:
    """The ids that a role may call the field by: `lead.email` of an event is `email`, too."""
    yield field.id
    if dataset.snapshot and field.id.startswith(f"{dataset.snapshot}."):
        yield field.id.removeprefix(f"{dataset.snapshot}.")


def _matches(glob: str, ids: Iterable[str]) -> bool:
    return any(fnmatchcase(id, glob) for id in ids)


def _objects_around(field: Field, dataset: Dataset) -> Iterator[Field]:
    for whole in dataset.fields:
        if whole.kind is not Kind.JSON or whole.id == field.id or whole.column != field.column:
            continue
        if field.path is not None and (whole.path is None or field.path.startswith(f"{whole.path}.")):
            yield whole


def known_keys(datasets: Iterable[Dataset]) -> set[str]:
    """Every word that may stand under `pii`, but for globs."""
    words = {DEFAULT, *PERSONAL_CLASSES, *SEMANTIC_TYPES}
    for dataset in datasets:
        words.update(dataset.by_id)
        words.update(id.removeprefix(f"{dataset.snapshot}.") for id in dataset.by_id)
    return words
