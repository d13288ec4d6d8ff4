"""The words of `privacy` under a grant: for each field the stricter of what the export says and what a role allows."""

from collections.abc import Iterable
from dataclasses import dataclass

from export_pipelines.access import EVERYTHING, Grant
from export_pipelines.catalog import Component, Dataset, Field, Kind
from export_pipelines.catalog.dimensions import SHIFTING
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.privacy_words import Words, strictest


@dataclass(frozen=True)
class GrantedWords(Words):
    """`own` are the export's words; keys are looked for in these alone."""

    grant: Grant = EVERYTHING

    def of(self, field: Field) -> Mask | None:
        return strictest([super().of(field), _hiding(self.grant.treatment(field, self.dataset))])

    def inside(self, whole: Field) -> Mask | None:
        return strictest([super().inside(whole), _hiding(self.grant.inside(whole, self.dataset))])

    def part(self, part: Component) -> Mask | None:
        return Mask.REMOVE if self.grant.removes(part, self.dataset) else super().part(part)


def granted_words(words: Words, grant: Grant) -> GrantedWords:
    return GrantedWords(words.dataset, words.exact, words.globs, words.classes, grant)


def telling_parts(columns: Iterable[OutputColumn], words: Words) -> set[str]:
    """Ids of parts that would reveal a hidden value together with others: of each such set the last."""
    shown: dict[tuple[str, str | None], dict[str, Component]] = {}
    for column in columns:
        part = words.dataset.get(column.id)
        if isinstance(part, Component) and words.of(part.field) not in (None, Mask.KEEP):
            shown.setdefault((part.field.column, part.field.path), {})[part.name] = part
    last_ids: set[str] = set()
    for parts in shown.values():
        type = next(iter(parts.values())).field.semantic_type
        for together in type.apart:
            if together <= parts.keys():
                last_ids.add([parts[name].id for name in type.components if name in together][-1])
    return last_ids


def is_clear(operand: Field | Component, grant: Grant, dataset: Dataset) -> bool:
    """Whether the principal sees all that a filter, a sort or a group over `operand` could tell.

    Of a hidden value only those parts count that may stand beside it, that complete no other part, and that do not change
    from day to day; of an object all personal values in it have to be clear.
    """
    if isinstance(operand, Component):
        if grant.removes(operand, dataset):
            return False
        return is_clear(operand.field, grant, dataset) or _tells_no_more(operand)
    if grant.treatment(operand, dataset) != "keep":
        return False
    if operand.kind is not Kind.JSON:
        return True
    inside = [field for field in dataset.fields if _lies_in(field, operand)]
    return grant.inside(operand, dataset) == "keep" and all(
        grant.treatment(field, dataset) == "keep" for field in inside
    )


def _tells_no_more(part: Component) -> bool:
    type = part.field.semantic_type
    return (
        type.may_stand(part.name, beside=True)
        and not part.compared.is_secret
        and not any(part.name in together for together in type.apart)
        and part.name not in SHIFTING
    )


def _lies_in(field: Field, whole: Field) -> bool:
    if field.column != whole.column or field.path is None or field.id == whole.id:
        return False
    return whole.path is None or field.path.startswith(f"{whole.path}.")


def _hiding(word: str) -> Mask | None:
    return None if word == "keep" else Mask(word)
