"""What readers of an export's files rely on: the columns of the newest artifact of the same version."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from export_pipelines.artifacts.manifest import Manifest, ManifestColumn
from export_pipelines.artifacts.store import Store
from export_pipelines.definition.output import FORMATS
from export_pipelines.errors import RequestError
from export_pipelines.plan.plan import Mask, OutputColumn, Plan

log = logging.getLogger(__name__)

# What a mask leaves of a value's form; `keep` and `redact` leave a text a text.
FORMS = {Mask.HASH: "hashed", Mask.TOKENIZE: "tokenized", Mask.MASK: "masked"}


class ReaderColumn(NamedTuple):
    """A column as a reader knows it: by its name in a table, by its path in an object."""

    id: str
    name: str
    type: str
    form: str


class Changes(NamedTuple):
    """Lines of text: those that break a reader, and columns added where none is moved."""

    breaking: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


class Comparison(NamedTuple):
    """A plan held against the artifact `before`; None where there is no contract, and `why` not."""

    before: str | None
    why: str
    changes: Changes = Changes()

    @property
    def text(self) -> str:
        """In one line, for people."""
        return f"as in {self.before}" if self.before else f"none: {self.why}"


def require_contract(plan: Plan, store: Store) -> None:
    """Raises RequestError, with a line for each change, where the plan's columns would break readers of the files."""
    comparison = compared(plan, store)
    log.debug(
        "contract compared",
        extra={"export": plan.export, "before": comparison.before, "no_contract": comparison.why},
    )
    fault = broken(plan, comparison)
    if fault:
        raise fault


def broken(plan: Plan, comparison: Comparison) -> RequestError | None:
    """The error of a plan that would break readers of the artifact that it was compared with."""
    if not comparison.changes.breaking:
        return None
    lines = "".join(f"\n  {line}" for line in comparison.changes.breaking)
    return RequestError(
        f"readers of version {plan.version} rely on the columns of {comparison.before}, and contract: {plan.contract} does "
        f"not allow{lines}\n  ",
        where=plan.export,
        remedy=f"take it back, or say version: {plan.version + 1} in the export's file to release it, and {{{{version}}}} in its paths",
    )


def compared(plan: Plan, store: Store) -> Comparison:
    """What the plan changes of the newest artifact of its version, as far as its contract minds."""
    why = _why_free(plan)
    if why:
        return Comparison(None, why)
    manifest = _newest(plan, store)
    if manifest is None:
        damaged = store.listing(plan.export).damaged
        unread = f" whose manifest can be read, of {len(damaged)} that are damaged" if damaged else ""
        return Comparison(None, f"there is no artifact of version {plan.version}{unread}")
    nested = FORMATS[plan.encoding.format].nested
    changes = changes_of(
        reader_columns(manifest.columns, nested), reader_columns(plan.masking.columns, nested), nested
    )
    if plan.contract == "frozen":
        changes = Changes((*changes.breaking, *changes.added))
    return Comparison(manifest.artifact, "", changes)


def changes_of(before: Sequence[ReaderColumn], after: Sequence[ReaderColumn], nested: bool) -> Changes:
    """Columns are told apart by their names; one that kept its id alone was renamed. Keys of `nested` objects have no
    order."""
    was, now = {column.name: column for column in before}, {column.name: column for column in after}
    new_ids = {column.id: name for name, column in now.items() if name not in was}
    names = {name: name if name in now else new_ids.get(column.id) for name, column in was.items()}
    breaking = []
    for name, new_name in names.items():
        if new_name is None:
            breaking.append(f"gone: {name}")
        elif new_name != name:
            breaking.append(f"renamed: {name} is {new_name} now")
    for name, new_name in names.items():
        if new_name is not None:
            breaking += _changed(was[name], now[new_name])
    kept = [name for name in names.values() if name is not None]
    last = max((place for place, name in enumerate(now) if name in kept), default=-1)
    added = []
    for place, name in enumerate(now):
        if name in kept:
            continue
        if nested or place > last:
            added.append(f"added: {name}")
        else:
            breaking.append(f"added: {name}, before other columns")
    if not nested:
        breaking += _moved(kept, [name for name in now if name in kept])
    return Changes(tuple(breaking), tuple(added))


def reader_columns(
    columns: Iterable[OutputColumn | ManifestColumn], nested: bool
) -> tuple[ReaderColumn, ...]:
    """As readers of tables know them, or those of `nested` objects."""
    return tuple(
        ReaderColumn(
            column.id, ".".join(_path(column)) if nested else _name(column), _type(column), _form(column)
        )
        for column in columns
    )


def _why_free(plan: Plan) -> str:
    if plan.contract == "free":
        return "the export says contract: free"
    if not plan.is_usual:
        return "this run alone has other rows or rights"
    if plan.report and plan.report.pivot:
        return "the values of the pivot become columns"
    return ""


def _newest(plan: Plan, store: Store) -> Manifest | None:
    latest = store.latest(plan.export)
    if latest is None or _is_of(plan, latest):
        return latest
    return next((manifest for manifest in store.manifests(plan.export) if _is_of(plan, manifest)), None)


def _is_of(plan: Plan, manifest: Manifest) -> bool:
    return manifest.is_usual and manifest.version == plan.version


def _changed(old: ReaderColumn, new: ReaderColumn) -> Iterator[str]:
    if old.name == new.name and old.id != new.id:
        yield f"field: {new.name} was {old.id}, is {new.id}"
    if old.type != new.type:
        yield f"type: {new.name} was {old.type}, is {new.type}"
    if old.form != new.form:
        yield f"mask: {new.name} was {old.form}, is {new.form}"


def _moved(before: list[str], after: list[str]) -> Iterator[str]:
    """The first place at which a reader by position meets another column than before."""
    for was, name in zip(before, after, strict=True):
        if was != name:
            yield f"order: {name} stands where {was} stood"
            return


def _path(column: OutputColumn | ManifestColumn) -> tuple[str, ...]:
    path = column.json_path if isinstance(column, OutputColumn) else column.path
    return path or tuple(column.id.split("."))  # of a manifest of earlier releases


def _name(column: OutputColumn | ManifestColumn) -> str:
    return column.header if isinstance(column, OutputColumn) else column.name


def _type(column: OutputColumn | ManifestColumn) -> str:
    return str(column.kind) if column.scale is None else f"{column.kind}({column.scale})"


def _form(column: OutputColumn | ManifestColumn) -> str:
    return FORMS.get(column.mask, "in clear") if column.mask else "in clear"
