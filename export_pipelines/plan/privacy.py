"""Privacy words to masks: which column is left out, hashed, tokenized, redacted or masked, and what happens in JSON objects."""

from collections.abc import Iterable, Iterator

from export_pipelines.access import EVERYTHING, Grant
from export_pipelines.catalog import Component, Dataset, Field, Kind
from export_pipelines.errors import RequestError
from export_pipelines.plan.changes import changes_of
from export_pipelines.plan.columns import source_fields, without_repeats
from export_pipelines.plan.granted import granted_words, telling_parts
from export_pipelines.plan.key_ids import keys_needed
from export_pipelines.plan.plan import (
    Mask,
    Masking,
    OutputColumn,
    PlanDraft,
    Repeating,
    Seal,
    added,
    shows_text,
)
from export_pipelines.plan.privacy_checks import (
    is_treated,
    parts_too_many,
    require_effect,
    require_may_stand,
    require_no_word_for_never_exported,
    require_redactable,
    require_removed_part_hidden,
    require_words,
)
from export_pipelines.plan.privacy_words import (
    STRICTNESS,
    UNDECLARED,
    Words,
    path_inside,
    words_of,
)
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.query.suspects import with_suspects
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE_KEY

OWN_TYPES = frozenset({"name", "street", "dob"})  # what a row's texts are searched for
TEXTS = (Kind.TEXT, Kind.JSON)


def mask_pii(draft: PlanDraft, request: PlanRequest) -> PlanDraft:
    """Adds masks and the query. Raises RequestError for a privacy word that cannot be kept or is missing, SettingsError
    for a key."""
    chosen = added(draft.projection, "project_fields").columns
    grant = request.rights.effective if request.rights else EVERYTHING
    columns, removed = shown_columns(chosen, request, grant)
    kept = without_repeats(columns, request)
    if not kept:
        raise RequestError(
            "privacy leaves no column to export",
            where=request.definition.at("privacy"),
            remedy="choose more fields, or mask instead of remove",
        )
    kept, changes = changes_of(draft, kept, request)
    own, never = _row_values(kept, request.dataset)
    of_stream = request.new_rows.order if request.new_rows else ()
    unseen = (*_times_to_be_read(request), *of_stream, request.dataset.row_id)
    read = source_fields(
        request.dataset, [*(column.source for column in kept if column.source), *own, *never, *unseen]
    )
    repeating = _inside_json(source_fields(request.dataset, [*own, *never]))
    masking = Masking(
        columns=kept,
        removed=tuple(removed),
        key_ids=keys_needed(kept, request),
        own=own,
        never=never,
        repeating=tuple(
            Repeating(column=name, values=tuple((field.type, field.path or "") for field in fields))
            for name, fields in repeating.items()
        ),
    )
    query = build_query(request, read, _lead_id(request.dataset, read), repeating)
    query = with_suspects(query, request)
    return draft.model_copy(update={"masking": masking, "query": query, "changes": changes})


def shown_columns(
    chosen: tuple[OutputColumn, ...], request: PlanRequest, grant: Grant
) -> tuple[list[OutputColumn], list[str]]:
    """The columns as the export and the grant let them be shown, and the ids of those that may not be. Raises RequestError
    for a privacy word of the export that cannot be kept or is missing."""
    words = words_of(request)
    require_no_word_for_never_exported(words, request)
    require_redactable(words, request)
    require_effect(words, chosen, request)
    treated = is_treated(words, chosen, request)
    columns, removed = _masked_columns(chosen, words, treated, request)
    require_removed_part_hidden(columns, words, request)
    if treated:
        require_words(columns, words, request)
        require_may_stand(chosen, words, request)
        too_many = parts_too_many(columns, words, request)
        removed += [column.id for column in columns if column.id in too_many]
        columns = [column for column in columns if column.id not in too_many]
    if not grant.pii:
        return columns, removed
    granted, shown = granted_words(words, grant), {column.id for column in columns}
    masked, _ = _masked_columns(chosen, granted, treated, request)
    masked = [column for column in masked if column.id in shown]
    telling = telling_parts(masked, granted)
    left = [column for column in masked if column.id not in telling]
    ids = {column.id for column in left}
    return left, [*removed, *(column.id for column in columns if column.id not in ids)]


def _masked_columns(
    chosen: Iterable[OutputColumn], words: Words, treated: bool, request: PlanRequest
) -> tuple[list[OutputColumn], list[str]]:
    """The columns as they may be shown, and the ids of those that may not."""
    columns, removed, chosen = [], [], tuple(chosen)
    whole = {column.source for column in chosen if column.component is None}
    for column in chosen:
        (field,) = source_fields(request.dataset, [column.source])
        masked = _masked(column, field, words, treated, field.id in whole)
        if masked is None:
            removed.append(column.id)
        else:
            columns.append(masked)
    return columns, removed


def _masked(
    column: OutputColumn, field: Field, words: Words, treated: bool, beside: bool
) -> OutputColumn | None:
    """The column as it may be shown, or None when it may not; `beside`: a part stands beside its value."""
    mask = words.of(field)
    if mask is Mask.REMOVE or not field.semantic_type.exportable:
        return None
    hidden = mask is not None and mask is not Mask.KEEP
    if column.component is not None:
        stands = not hidden or field.semantic_type.may_stand(column.component, beside or mask is Mask.MASK)
        part = Component(field=field, name=column.component)
        return column if stands and words.part(part) is not Mask.REMOVE else None
    if column.kind is Kind.JSON:
        return column.model_copy(update={"seals": _seals(field, words, treated)})
    if not hidden:
        closed = treated and field.is_personal and not field.is_open and column.kind is Kind.TEXT
        # what has not the form of a closed type may be anything
        return column.model_copy(update={"mask": Mask.REDACT}) if closed and mask is None else column
    query = field.query if mask is Mask.REDACT else ()
    return column.model_copy(update={"mask": mask, "kind": Kind.TEXT, "scale": None, "query": query})


def _seals(whole: Field, words: Words, treated: bool) -> tuple[Seal, ...]:
    """Masks inside the object `whole`: of its declared values, then of all others, those of an object in it by its own."""
    seals: dict[str, Seal] = {}
    stars = [Seal(path=UNDECLARED, type="text", mask=words.inside(whole))]
    for field in words.dataset.fields:
        path = path_inside(field, whole)
        if path is None:
            continue
        if field.kind is Kind.JSON and field.is_personal:
            stars.append(Seal(path=f"{path}.{UNDECLARED}", type="text", mask=words.inside(field)))
        for seal in _declared(field, path, words, treated):
            before = seals.get(path)
            seals[path] = seal if before is None else _stricter(before, seal)
    return (*seals.values(), *(star for star in stars if star.mask))


def _declared(field: Field, path: str, words: Words, treated: bool) -> Iterator[Seal]:
    """The mask of a declared value. What has no word in an untreated export is as what is not declared."""
    if not field.semantic_type.exportable:
        yield Seal(path=path, type=field.type, mask=Mask.REMOVE)
        return
    mask = words.of(field)
    if field.kind is Kind.JSON and field.is_personal:
        if mask is Mask.REMOVE:
            yield Seal(path=path, type=field.type, mask=mask)
    elif not field.is_personal:
        yield Seal(path=path, type=field.type, mask=None if mask is Mask.KEEP else mask)
    elif mask:
        query = field.query if mask is Mask.REDACT else ()
        yield Seal(path=path, type=field.type, mask=mask, query=query)
    elif treated:
        yield Seal(path=path, type=field.type, mask=Mask.REDACT)


def _stricter(mask_of_object: Seal, other: Seal) -> Seal:
    return max(mask_of_object, other, key=lambda seal: STRICTNESS.index(seal.mask) if seal.mask else -1)


def _row_values(
    columns: tuple[OutputColumn, ...], dataset: Dataset
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the fields whose values are redacted from the row's texts, and of those that are never exported."""
    redacted = any(map(_redacts, columns))
    personal = any(
        column.is_personal and column.kind in TEXTS and shows_text(column.mask, column.type)
        for column in columns
    )
    fields = {(field.column, field.path): field for field in dataset.fields}.values()
    own = (
        tuple(field.id for field in fields if field.type in OWN_TYPES and field.is_personal)
        if redacted
        else ()
    )
    never = tuple(field.id for field in fields if not field.semantic_type.exportable) if personal else ()
    return own, never


def _inside_json(fields: Iterable[Field]) -> dict[str, list[Field]]:
    """Those that lie in JSON, by a name of the column that they lie in, which no field can have."""
    inside: dict[str, list[Field]] = {}
    for field in fields:
        if field.path:
            inside.setdefault(f"{field.column} (whole)", []).append(field)
    return inside


def _lead_id(dataset: Dataset, read: Iterable[Field]) -> tuple[Field, ...]:
    """The id of the lead that a row is of, where nothing else asks for it: whoever writes the rows has to know."""
    field = dataset.get("lead_id")
    return (field,) if isinstance(field, Field) and field.id not in {other.id for other in read} else ()


def _times_to_be_read(request: PlanRequest) -> tuple[str, ...]:
    """The field of the window where that is asked for, or something else may be stored in it: what is no time is then
    refused with its row."""
    window = request.dataset.find(request.dataset.window)
    may_hold_none = isinstance(window, Field) and request.sql.may_hold_no_time(window)
    is_read = request.reads_time or may_hold_none
    return (request.dataset.window,) if is_read and request.window.key != WHOLE_KEY else ()


def _redacts(column: OutputColumn) -> bool:
    return Mask.REDACT in (column.mask, *(seal.mask for seal in column.seals))
