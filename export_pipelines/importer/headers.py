"""Which column of a CSV file goes to which field: the mapping's word first, else what the header itself names.

Headers are compared without regard to case, blanks, underscores and hyphens: `First Name` is first_name. What no field is
called so may still be a usual name of one (`Zip Code`), if nothing else fills it and no other column has that name."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from export_pipelines.catalog import Dataset, PiiClass
from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.errors import unknown
from export_pipelines.importer.mapping import Mapping, Match, Target
from export_pipelines.importer.usual_headers import usual_field
from export_pipelines.normal_form import normalised

CUSTOM = "custom."
# Headers that are the lead's own number; another name of that type (`spouse_ssn`) is another value.
_SSN_ITSELF = {
    *("ssn", "s.s.n.", "ssnumber", "ssnnumber", "ssno", "ssno.", "ss#", "ssn#", "socsec", "socialsecurity"),
    *("socialsecuritynumber", "socialsecurityno", "socialsecurityno.", "socialsecurity#"),
}


def targets_of(
    header: Sequence[str], mapping: Mapping, dataset: Dataset, own: Iterable[str]
) -> tuple[list[Target], list[str]]:
    """A target for each column, and the faults of the mapping's headers. `own` are the ids of the lead's columns."""
    mapped, faults = _mapped(header, mapping)
    named = _Names(dataset, own)
    taken = {target.field for target in mapped.values()} | set(mapping.constants)
    by_name = {named.own(name) for number, name in enumerate(header) if number not in mapped}
    again = {name for name, times in Counter(map(compared, header)).items() if times > 1}
    targets: list[Target] = []
    for number, name in enumerate(header):
        usual = None if compared(name) in again else usual_field(compared(name), taken | by_name)
        target = mapped.get(number) or _by_itself(name, number + 1, named, taken, usual)
        taken.add(target.field)
        targets.append(target)
    return targets, faults


def compared(header: str) -> str:
    """What of a header counts when it is compared with another."""
    return re.sub(r"[\s_-]", "", normalised("NFKC", header).casefold())


def _mapped(header: Sequence[str], mapping: Mapping) -> tuple[dict[int, Target], list[str]]:
    """The targets of the columns that the mapping names, by their place."""
    targets: dict[int, Target] = {}
    names: dict[int, str] = {}
    faults = []
    for name, target in mapping.columns.items():
        places = [place for place, text in enumerate(header) if text == name]
        places = places or [place for place, text in enumerate(header) if compared(text) == compared(name)]
        if not places:
            faults.append(unknown("column", name, header) + ", as the file's first line names them")
        elif len(places) > 1:
            faults.append(f'the file has {len(places)} columns named "{name}"; one is needed to map it')
        elif places[0] in names:
            both = f'"{names[places[0]]}" and "{name}"'
            faults.append(f'the mapping names the column "{header[places[0]]}" twice, as {both}; leave one')
        else:
            match = _match_in_mapping(header[places[0]], name)
            targets[places[0]], names[places[0]] = replace(target, match=match), name
    for place, target in list(targets.items()):
        if target.time_in:
            at, fault = _time_of(target.time_in, header, targets)
            faults += [fault] if fault else []
            match = _match_in_mapping(header[at], target.time_in)
            targets[at], targets[place] = Target("", match=match), replace(target, time_at=at)
    return targets, faults


def _match_in_mapping(header: str, name: str) -> Match:
    return Match.MAPPING if header == name else Match.SIMILAR_IN_MAPPING


def _time_of(name: str, header: Sequence[str], targets: dict[int, Target]) -> tuple[int, str | None]:
    """The place of the column with the time of day, and what is wrong with it."""
    places = [place for place, text in enumerate(header) if compared(text) == compared(name)]
    if len(places) != 1:
        return -1, unknown(
            "column", name, header
        ) if not places else f'the file has {len(places)} columns named "{name}"'
    return places[0], f'the column "{name}" is mapped, and the time of another one too' if places[
        0
    ] in targets else None


def _by_itself(header: str, number: int, named: "_Names", taken: set[str], usual: str | None) -> Target:
    """What a column that nothing maps is by its header: a field, a value that is never exported, the `usual` field, or a
    custom field."""
    if field := named.field(header, taken):
        return Target(field, match=Match.NAME if named.is_exact(header) else Match.SIMILAR_NAME)
    closed = never_exported_type(header)
    if closed == "ssn" and compared(header) in _SSN_ITSELF:
        return Target("ssn", match=Match.USUAL_NAME)
    if usual and not closed:
        return Target(usual, match=Match.USUAL_NAME)
    field = CUSTOM + _free_key(header, number, taken)
    return Target(field, closed, PiiClass.SENSITIVE if closed else None, match=Match.NEW)


class _Names:
    """The headers that name a field: its id, also as a CSV header spells it; of personal fields and custom ones the
    label too."""

    def __init__(self, dataset: Dataset, own: Iterable[str]) -> None:
        own = tuple(own)
        custom = [field for field in dataset.fields if field.id.startswith(CUSTOM)]
        self._labels: dict[str, list[str]] = {}  # two columns of one header have become two custom fields
        for field in custom:
            self._labels.setdefault(field.label, []).append(field.id)
        personal = [field for field in dataset.fields if field.pii is not PiiClass.NONE and field.id in own]
        of_own = [
            *((spelling, id) for id in own for spelling in _spellings(id)),
            *((field.label, field.id) for field in personal),
        ]
        of_custom = [
            *((spelling, field.id) for field in custom for spelling in _spellings(field.id)),
            *((field.id.removeprefix(CUSTOM), field.id) for field in custom),
        ]
        self._own, self._custom = _first(*of_own), _first(*of_custom)
        self._exact = {*self._labels, *(spelling for spelling, _ in (*of_own, *of_custom))}

    def own(self, header: str) -> str | None:
        return self._own.get(compared(header))

    def is_exact(self, header: str) -> bool:
        """Whether the header of a field is its name as it is written."""
        return header in self._exact

    def field(self, header: str, taken: set[str]) -> str | None:
        free = (id for id in self._labels.get(header, ()) if id not in taken)
        return self.own(header) or next(free, None) or self._custom.get(compared(header))


def _first(*spelled: tuple[str, str]) -> dict[str, str]:
    """Id by what counts of its spelling; of two ids the first."""
    return {compared(spelling): id for spelling, id in reversed(spelled)}


def _spellings(id: str) -> Iterator[str]:
    yield id
    yield id.replace(".", "_")


def _free_key(header: str, number: int, taken: set[str]) -> str:
    """The header in snake case, `Sub-product` -> `sub_product`; made unique by a number."""
    plain = normalised("NFKD", header).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or f"column_{number}"
    key = f"c_{key}" if key[0].isdigit() else key
    free_key, again = key, 2
    while CUSTOM + free_key in taken:
        free_key, again = f"{key}_{again}", again + 1
    return free_key
