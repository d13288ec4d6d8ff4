"""What `privacy` must say, and what may not stand together; each refusal names the line, all of its kind, and what to write."""

from collections.abc import Iterable

from export_pipelines.catalog import Component, Field, Kind
from export_pipelines.definition.export import Smart
from export_pipelines.errors import RequestError
from export_pipelines.plan.columns import source_fields
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.privacy_words import UNDECLARED, Entry, Words, objects_around
from export_pipelines.plan.request import PlanRequest


def is_treated(words: Words, columns: Iterable[OutputColumn], request: PlanRequest) -> bool:
    """Whether the export hides any personal data, so that all of it needs a word."""
    fields = request.definition.fields
    if isinstance(fields, Smart) and fields.exclude_pii:
        return True
    exported = _exported(columns, request)
    return any(
        field.is_personal and field in exported
        for entry in words.entries
        if entry.mask is not Mask.KEEP
        for field in words.reached(entry)
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
    exported = _exported(columns, request)
    for entry in (*words.exact, *words.globs):
        reached = words.reached(entry)
        never = any(not field.semantic_type.exportable for field in reached)
        if never or any(field in exported for field in reached) or _reaches_object(entry, exported):
            continue
        raise RequestError(
            f'"{entry.key}" has no effect: nothing of it is exported'
            + ("" if reached else ", or it is not personal data of an open type, which is all that a glob reaches"),
            where=request.definition.at("privacy", entry.key),
            remedy="take the line out, or choose the field in `fields`",
        )


def require_removed_part_hidden(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError for a part that is to be removed while its whole value stands there in clear."""
    clear = {column.id for column in columns if column.mask is None}
    for entry in words.exact:
        part = request.dataset.get(entry.pattern)
        if entry.mask is Mask.REMOVE and isinstance(part, Component) and part.field.id in clear:
            raise RequestError(
                f'"{part.id}" is removed, but "{part.field.id}" is exported and reveals it',
                where=request.definition.at("privacy", entry.key),
                remedy=f"mask or remove {part.field.id} too, or leave {part.id} out of `fields`",
            )


def require_words(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError with every exported field of personal data that people type and that has no word."""
    missing = []
    for column in columns:
        (field,) = source_fields(request.dataset, [column.source])
        word = words.inside(field) if field.kind is Kind.JSON else words.of(field)
        if column.is_personal and field.is_open and word is None and field.id not in missing:
            missing.append(field.id)
    if missing:
        lines = [f"  {id}: redact" for id in missing]
        raise RequestError(
            f"personal data is treated here, so each exported field of personal data that people type needs a word; "
            f"{len(missing)} without: {', '.join(missing)}\n"
            "write these lines under `privacy`, or one line for a class (direct: redact); "
            "instead of redact also keep, mask, hash, tokenize, remove:\n" + "\n".join(lines),
            where=request.definition.at("privacy"),
        )


def require_apart(columns: Iterable[OutputColumn], words: Words, request: PlanRequest) -> None:
    """Raises RequestError for parts that reveal a hidden value: named in `fields`, or only all together."""
    stand: dict[str, set[str]] = {}
    for column in columns:
        if column.component:
            stand.setdefault(column.source, set()).add(column.component)
    for id in _named(request):
        part = request.dataset.get(id)
        if not isinstance(part, Component):
            continue
        mask = words.of(part.field)
        hidden = mask is not None and mask not in (Mask.KEEP, Mask.REMOVE)
        if hidden and not part.field.semantic_type.may_stand(part.name, mask is Mask.MASK):
            allowed = sorted(
                name
                for name in part.field.semantic_type.components
                if part.field.semantic_type.may_stand(name, mask is Mask.MASK)
            )
            raise RequestError(
                f'"{part.id}" reveals what "{mask}" hides of {part.field.id}',
                where=request.definition.at("fields"),
                remedy=f"leave it out; beside it may stand: {', '.join(allowed) or 'no part'}",
            )
    for source, parts in stand.items():
        (field,) = source_fields(request.dataset, [source])
        mask = words.of(field)
        if mask is Mask.KEEP:
            continue
        for together in field.semantic_type.apart:
            if together <= parts:
                names = " and ".join(f"{source}.{name}" for name in sorted(together))
                raise RequestError(
                    f"{names} together reveal {source}, which is hidden",
                    where=request.definition.at("fields"),
                    remedy="leave one of them out",
                )


def _named(request: PlanRequest) -> tuple[str, ...]:
    """Ids that `fields` names one by one."""
    return request.definition.fields if isinstance(request.definition.fields, tuple) else ()


def _exported(columns: Iterable[OutputColumn], request: PlanRequest) -> list[Field]:
    """The fields that the output is made from, those inside exported objects included."""
    sources = {column.source for column in columns}
    inside = {column.source for column in columns if column.kind is Kind.JSON}
    return [
        field
        for field in request.dataset.fields
        if field.id in sources or any(one.id in inside for one in objects_around(field, request.dataset))
    ]


def _reaches_object(entry: Entry, exported: Iterable[Field]) -> bool:
    """Whether the key stands for what is not declared in an exported object: `custom.*`."""
    return any(field.kind is Kind.JSON and entry.pattern == f"{field.id}.{UNDECLARED}" for field in exported)
