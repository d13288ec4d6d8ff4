"""Privacy words to masks: which column is left out, hashed, tokenised or masked, and what is sealed inside JSON objects."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from export_pipelines.catalog import Component, Dataset, Field, Kind, PiiClass
from export_pipelines.errors import CatalogError, RequestError
from export_pipelines.plan.columns import source_fields, without_repeats
from export_pipelines.plan.key_ids import keys_needed
from export_pipelines.plan.plan import Mask, Masking, OutputColumn, Plan, Seal
from export_pipelines.plan.query import build_query
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.suspects import with_suspects

# The later the stricter; None is `keep`.
STRICTNESS: tuple[Mask | None, ...] = (None, Mask.MASK, Mask.TOKENIZE, Mask.HASH, Mask.REMOVE)
# A flag or a small number is found everywhere and tells nothing.
WATCHABLE = frozenset({Kind.TEXT, Kind.DATE})
# What people and browsers write freely, in which a value of the person may stand once more.
FREE_TYPES = frozenset({"text", "url", "email", "phone", "street"})
UNDECLARED = "*"


@dataclass(frozen=True)
class Words:
    """The privacy words of a definition as masks; None is `keep`."""

    exact: Mapping[str, Mask | None]
    globs: tuple[tuple[str, Mask | None], ...]

    def of(self, names: Iterable[str]) -> list[Mask | None]:
        """Words for these ids; a glob counts only where no id is named itself."""
        names = list(names)
        own = [self.exact[name] for name in names if name in self.exact]
        return own or [mask for name in names for glob, mask in self.globs if fnmatchcase(name, glob)]


def mask_pii(plan: Plan, request: PlanRequest) -> Plan:
    """Adds masks and the query. Raises RequestError for a privacy word that cannot be kept, SettingsError for a key."""
    if plan.projection is None:
        raise ValueError("fields are projected before they are masked")
    words = words_of(request)
    _demand_never_raw(request, words)
    columns, removed = [], []
    for column in plan.projection.columns:
        masked = _masked(column, request.dataset, words)
        if masked is None:
            removed.append(column.id)
        else:
            columns.append(masked)
    _demand_not_told_beside(columns, words, request)
    kept = without_repeats(columns, request)
    if not kept:
        raise RequestError(
            "privacy leaves no column to export",
            where=request.definition.at("privacy"),
            remedy="choose more fields, or mask instead of remove",
        )
    searched = tuple(column.id for column in kept if _is_searched(column))
    watched = _watched(request.dataset, words) if searched else ()
    read = source_fields(request.dataset, [*(column.source for column in kept), *watched])
    masking = Masking(
        columns=kept,
        removed=tuple(removed),
        key_ids=keys_needed(kept, request),
        watched=watched,
        searched=searched if watched else (),
        query=with_suspects(build_query(request, read), request),
    )
    required = tuple(column.id for column in kept if column.required)
    return plan.model_copy(update={"masking": masking, "required": required})


def _demand_not_told_beside(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError for a part that is to be removed while its whole value stands there in clear."""
    clear = {column.id for column in columns if column.mask is None}
    for id, mask in words.exact.items():
        one = request.dataset.get(id)
        if mask is Mask.REMOVE and isinstance(one, Component) and one.field.id in clear:
            raise RequestError(
                f'"{id}" is removed, but "{one.field.id}" stands there and tells it',
                where=request.definition.at("privacy", id),
                remedy=f"mask or remove {one.field.id} too, or leave {id} out of `fields`",
            )


def words_of(request: PlanRequest) -> Words:
    """Raises RequestError for a key of `privacy` that names nothing, or a mask for a part of a value alone."""
    exact: dict[str, Mask | None] = {}
    globs: list[tuple[str, Mask | None]] = []
    for key, word in request.definition.privacy.items():
        mask = None if word == "keep" else Mask(word)
        _demand_match(key, mask, request)
        full = request.dataset.full(key)
        if "*" in key or "?" in key:
            globs.append((full, mask))
        else:
            exact[full] = mask
    return Words(exact, tuple(globs))


def mask_of(field: Field, dataset: Dataset, words: Words) -> Mask | None:
    """What is done to the field's values, under whatever id they are exported: the word for the field itself, else
    for another name of its column, else for the object around it; the strictest where several words are as close."""
    for names in _by_closeness(field, dataset):
        found = words.of(names)
        if found:
            return _strictest(found)
    return None


def _by_closeness(field: Field, dataset: Dataset) -> Iterator[list[str]]:
    """Ids whose word holds for `field`: its own, then those under which its column is exported too, then its object."""
    yield [field.id]
    yield [
        other.id
        for other in dataset.fields
        if other.id != field.id and (other.column, other.path) == (field.column, field.path)
    ]
    yield [other.id for other in _objects_around(field, dataset)]


def _objects_around(field: Field, dataset: Dataset) -> list[Field]:
    return [one for one in dataset.wide if _relative(field, one) is not None]


def _relative(field: Field, whole: Field) -> str | None:
    """The path of `field` inside the JSON object `whole`, or None when it does not lie there."""
    if field.column != whole.column or field.path is None:
        return None
    if whole.path is None:
        return field.path
    return field.path[len(whole.path) + 1 :] if field.path.startswith(whole.path + ".") else None


def _masked(column: OutputColumn, dataset: Dataset, words: Words) -> OutputColumn | None:
    """The column as it may be shown, or None when it may not."""
    (field,) = source_fields(dataset, [column.source])
    mask = mask_of(field, dataset, words)
    if mask is Mask.REMOVE or not field.semantic_type.exportable:
        return None
    if column.component is not None:
        remains = mask is None or column.component in field.semantic_type.remains
        return column if remains and not _part_removed(column.id, field.id, words) else None
    if column.kind is Kind.JSON:
        return column.model_copy(update={"seals": _seals(field, dataset, words)})
    if mask is None:
        return column
    return column.model_copy(update={"mask": mask, "kind": Kind.TEXT, "scale": None})


def _part_removed(part: str, field: str, words: Words) -> bool:
    if part not in words.exact and field in words.exact:
        return False  # the word for the value goes before a glob for its parts
    return Mask.REMOVE in words.of([part])


def _seals(whole: Field, dataset: Dataset, words: Words) -> tuple[Seal, ...]:
    """Masks inside the object `whole`: of its declared values, then of all others, those of an object in it by its own."""
    inside = {field: path for field in dataset.fields if (path := _relative(field, whole)) is not None}
    rest = {f"{path}.{UNDECLARED}": _inside(field, words) for field, path in inside.items() if _holds(field)}
    rest[UNDECLARED] = _inside(whole, words)
    stars = {path: _strictest(said) for path, said in rest.items() if said}
    masked = any(mask is not None for mask in stars.values())
    seals = []
    for field, path in inside.items():
        mask = mask_of(field, dataset, words) if field.semantic_type.exportable else Mask.REMOVE
        if mask is Mask.REMOVE or (not _holds(field) and (mask is not None or masked)):
            seals.append(Seal(path=path, type=field.type, mask=mask))
    if masked:
        seals += [Seal(path=path, type="text", mask=mask) for path, mask in stars.items()]
    return tuple(seals)


def _holds(field: Field) -> bool:
    return field.kind is Kind.JSON


def _inside(whole: Field, words: Words) -> list[Mask | None]:
    """The words for values in an object that have no word of their own."""
    return words.of([whole.id]) + words.of([f"{whole.id}.{UNDECLARED}"])


def _is_searched(column: OutputColumn) -> bool:
    """May what is written here repeat a personal value that another column masks?"""
    free = column.type in FREE_TYPES and column.kind is Kind.TEXT and column.pii is not PiiClass.NONE
    return column.mask is None and (column.kind is Kind.JSON or free)


def _watched(dataset: Dataset, words: Words) -> tuple[str, ...]:
    """Masked or removed personal fields, whose values might stand once more in what is searched."""
    return tuple(
        field.id
        for field in dataset.fields
        if field.kind in WATCHABLE
        and field.pii is not PiiClass.NONE
        and mask_of(field, dataset, words) is not None
    )


def _strictest(masks: Iterable[Mask | None]) -> Mask | None:
    return max(masks, key=STRICTNESS.index, default=None)


def _demand_never_raw(request: PlanRequest, words: Words) -> None:
    """Raises RequestError for a word that would show something of a type that is never exported."""
    for field in request.dataset.fields:
        if not field.semantic_type.exportable and words.exact.get(field.id, Mask.REMOVE) is not Mask.REMOVE:
            raise RequestError(
                f"{field.id} is of type {field.type}, which is never exported, not even hashed or masked",
                where=request.definition.at("privacy", field.id),
                remedy=f"leave it out, or say privacy: {{{field.id}: remove}}",
            )


def _demand_match(key: str, mask: Mask | None, request: PlanRequest) -> None:
    """Raises RequestError for a key that names nothing, or a mask for a component alone."""
    dataset, where = request.dataset, request.definition.at("privacy", key)
    if dataset.full(key) in {f"{field.id}.{UNDECLARED}" for field in dataset.wide}:
        return
    try:
        found = dataset.match(key)
    except CatalogError as error:
        raise RequestError(error.what, where=where) from error
    parts = [one for one in found if isinstance(one, Component)]
    if len(parts) == len(found) and mask not in (None, Mask.REMOVE):
        raise RequestError(
            f'"{key}" names parts of a value; a part can be removed, not "{mask}"',
            where=where,
            remedy=f"privacy: {{{parts[0].field.id}: {mask}}} masks the value and leaves out what would tell it",
        )
