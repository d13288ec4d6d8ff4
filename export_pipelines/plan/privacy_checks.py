"""What `privacy` must say, and what may not stand together; each refusal names the line, all of its kind, and what to write."""

from collections.abc import Iterable

from export_pipelines.catalog import Component, Field, Kind
from export_pipelines.definition.export import Smart
from export_pipelines.errors import RequestError
from export_pipelines.plan.columns import source_fields
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.privacy_words import UNDECLARED, Entry, Words, objects_around
from export_pipelines.plan.request import PlanRequest

UNREDACTED = frozenset({"city"})  # types of which `redact` leaves a plain value as it is
OPEN_ONLY = "a glob and an object stand for personal data of open types only"


def is_treated(words: Words, columns: Iterable[OutputColumn], request: PlanRequest) -> bool:
    """Whether the export hides any personal data, so that all of it needs a word."""
    fields = request.definition.fields
    if isinstance(fields, Smart) and fields.exclude_pii:
        return True
    columns = list(columns)
    exported, shown = _exported(columns, request), {column.id for column in columns}
    return any(
        any(field.is_personal and field in exported for field in words.reached(entry))
        or any(part.field.is_personal and part.id in shown for part in words.parts(entry))
        for entry in words.entries
        if entry.mask is not Mask.KEEP
    )


def require_no_word_for_never_exported(words: Words, request: PlanRequest) -> None:
    """Raises RequestError for a word that would show something of a type that is never exported."""
    for field in request.dataset.fields:
        if field.semantic_type.exportable:
            continue
        if any(mask is not Mask.REMOVE for mask in words.named(field.id)):
            raise RequestError(
                f"{field.id} is of type {field.type}, which is never exported, not even hashed or masked",
                where=request.definition.at("privacy", field.id),
                remedy=f"leave it out, or say privacy: {{{field.id}: remove}}",
            )


def require_redactable(words: Words, request: PlanRequest) -> None:
    """Raises RequestError for `redact` on a closed type, of which nothing could be taken away."""
    for entry in words.exact:
        field = request.dataset.get(entry.pattern)
        if entry.mask is Mask.REDACT and isinstance(field, Field) and not field.semantic_type.open:
            raise RequestError(
                f'"{entry.key}" is of type {field.type}, a closed type: there is no text to redact',
                where=request.definition.at("privacy", entry.key),
                remedy="allowed: keep, mask, hash, tokenize, remove",
            )


def require_effect(words: Words, columns: Iterable[OutputColumn], request: PlanRequest) -> None:
    """Raises RequestError for a key of `privacy` that reaches nothing of what is exported."""
    columns = list(columns)
    exported, shown = _exported(columns, request), {column.id for column in columns}
    for entry in (*words.exact, *words.globs):
        reached = words.reached(entry)
        if (
            any(not field.semantic_type.exportable for field in reached)
            or any(field in exported for field in reached)
            or any(shown & {part.id, part.field.id} for part in words.parts(entry))
            or _reaches_object(entry, exported)
        ):
            continue
        raise RequestError(
            f'"{entry.key}" has no effect: nothing that it stands for is exported'
            + (f"; {OPEN_ONLY}" if entry in words.globs or _is_object(entry, request) else ""),
            where=request.definition.at("privacy", entry.key),
            remedy="take the line out, or name a field that `fields` chooses",
        )


def require_removed_part_hidden(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError for a part that is to be removed while its whole value stands there in clear."""
    clear = [field for field in _exported(columns, request) if words.of(field) in (None, Mask.KEEP)]
    whole = {column.id for column in columns}
    for entry in (*words.exact, *words.globs):
        for part in words.parts(entry) if entry.mask is Mask.REMOVE else ():
            around = {part.field.id, *(parent.id for parent in objects_around(part.field, request.dataset))}
            if part.field in clear and around & whole and words.part(part) is Mask.REMOVE:
                raise RequestError(
                    f'"{entry.key}" removes {part.id}, but "{part.field.id}" is exported and reveals it',
                    where=request.definition.at("privacy", entry.key),
                    remedy=f"mask or remove {part.field.id} too, or leave {part.id} out of `fields`",
                )


def require_words(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError with every exported field of personal data that people type and that has no word."""
    missing: dict[str, str] = {}
    for column in columns:
        (field,) = source_fields(request.dataset, [column.source])
        word = words.inside(field) if field.kind is Kind.JSON else words.of(field)
        if column.is_personal and field.is_open and word is None and field.id not in missing:
            missing[field.id] = "mask" if field.type in UNREDACTED else "redact"
    if missing:
        lines = [f"  {id}: {word}" for id, word in missing.items()]
        raise RequestError(
            f"personal data is treated here, so each exported field of personal data that people type needs a word; "
            f"{len(missing)} without: {', '.join(missing)}; write these lines under `privacy`, or one line for a class "
            "(direct: redact); allowed: keep, redact, mask, tokenize, hash, remove:\n" + "\n".join(lines),
            where=request.definition.at("privacy"),
        )


def require_may_stand(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError for a part that `fields` names and that reveals a hidden value."""
    whole = {column.source for column in columns if column.component is None}
    for n, id in enumerate(_named(request)):
        part = request.dataset.get(id)
        if not isinstance(part, Component):
            continue
        mask = words.of(part.field)
        beside, type = part.field.id in whole or mask is Mask.MASK, part.field.semantic_type
        if mask in (None, Mask.KEEP, Mask.REMOVE) or type.may_stand(part.name, beside):
            continue
        allowed = ", ".join(sorted(name for name in type.components if type.may_stand(name, beside)))
        raise RequestError(
            f'"{part.id}" reveals what "{mask}" hides of {part.field.id}',
            where=request.definition.at("fields", n),
            remedy=f"leave it out; beside it may stand: {allowed or 'no part'}",
        )


def parts_too_many(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> set[str]:
    """Ids of parts that would reveal a hidden value together with others: of each such set the last that a glob or a rule
    chose. Raises RequestError where `fields` names all of a set."""
    shown: dict[tuple[str, str | None], dict[str, Component]] = {}
    for column in columns:
        part = request.dataset.get(column.id)
        if isinstance(part, Component) and words.of(part.field) is not Mask.KEEP:
            shown.setdefault((part.field.column, part.field.path), {})[part.name] = part
    named = {field.id: n for n, id in enumerate(_named(request)) if (field := request.dataset.get(id))}
    last_ids: set[str] = set()
    for parts in shown.values():
        type = next(iter(parts.values())).field.semantic_type
        for together in type.apart:
            ids = [parts[name].id for name in type.components if name in together and name in parts]
            if len(ids) < len(together):
                continue
            chosen = [id for id in ids if id not in named]
            if chosen:
                last_ids.add(chosen[-1])
                continue
            raise RequestError(
                f"{' and '.join(ids)} together reveal {parts[min(together)].field.id}, which is hidden",
                where=request.definition.at("fields", max(named[id] for id in ids)),
                remedy="leave one of them out",
            )
    return last_ids


def _named(request: PlanRequest) -> tuple[str, ...]:
    """Ids and globs of the list `fields`."""
    return request.definition.fields if isinstance(request.definition.fields, tuple) else ()


def _exported(columns: Iterable[OutputColumn], request: PlanRequest) -> list[Field]:
    """The fields that the output is made from, those inside exported objects included."""
    sources = {column.source for column in columns}
    inside = {column.source for column in columns if column.kind is Kind.JSON}
    return [
        field
        for field in request.dataset.fields
        if field.id in sources
        or any(parent.id in inside for parent in objects_around(field, request.dataset))
    ]


def _is_object(entry: Entry, request: PlanRequest) -> bool:
    named = request.dataset.get(entry.pattern)
    return isinstance(named, Field) and named.kind is Kind.JSON


def _reaches_object(entry: Entry, exported: Iterable[Field]) -> bool:
    """Whether the key stands for what is not declared in an exported object: `custom.*`."""
    return any(field.kind is Kind.JSON and entry.pattern == f"{field.id}.{UNDECLARED}" for field in exported)
