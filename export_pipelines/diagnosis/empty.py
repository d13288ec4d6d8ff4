"""Why is my file empty? The rows of the window are counted without the filter, and with each of its conditions alone."""

from collections.abc import Iterator

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.filters import AnyRule, Filter, Rule
from export_pipelines.diagnosis.case import Case
from export_pipelines.diagnosis.finding import Finding, Tone
from export_pipelines.plan.plan import Window
from export_pipelines.quantities import counted

MOST_CONDITIONS = 12


def why_empty(case: Case) -> Iterator[Finding]:
    newest = case.manifest
    window = newest.window if newest else case.window
    if newest is None:
        yield Finding("note", f"There is no file yet; this is about the window {window.key}.")
    elif newest.rows:
        yield Finding("good", f"The newest file, of {window.key}, has {counted(newest.rows, 'row')}.")
    else:
        yield Finding("bad", f"The newest file, of {window.key}, has no rows.")
    if newest and newest.overrides:
        keys = ", ".join(newest.overrides)
        yield Finding(
            "note",
            f"Its run had a filter of its own: {keys}.",
            f"Run it again without: `{case.command(window.key)}`.",
        )
    if case.definition.report:
        return
    yield from _narrowed(case, window)
    yield from _counts(case, window)


def _narrowed(case: Case, window: Window) -> Iterator[Finding]:
    rights = case.plan(window=window).rights
    for text in rights.narrowed if rights else ():
        yield Finding("note", f"Rights leave out: {text}.", "Whoever keeps access.yaml can widen the role.")


def _counts(case: Case, window: Window) -> Iterator[Finding]:
    definition = case.definition
    whole = _rows(case, definition.model_copy(update={"filter": Filter(last=definition.filter.last)}), window)
    rows = _rows(case, definition, window)
    name = case.plan(window=window).extract.table
    if whole == 0:
        text = f"{name} has no rows at all from {_span(window)}."
        then = (
            "Look whether the source is filled, and whether the window is the one you mean; times are in UTC."
        )
        yield Finding("bad", text, then)
        return
    tone: Tone = "bad" if rows == 0 else "note"
    yield Finding("note", f"{name} has {counted(whole, 'row')} from {_span(window)}.")
    yield Finding(tone, f"All conditions of the filter together leave {counted(rows, 'row')}.")
    conditions = list(_alone(definition))[:MOST_CONDITIONS]
    for words, alone in conditions if len(conditions) > 1 or rows == 0 else ():
        left = _rows(case, definition.model_copy(update={"filter": alone}), window)
        if left < whole:
            then = f"Look at `{words}` in the export's file: no row meets it." if left == 0 else ""
            yield Finding(
                "bad" if left == 0 else "note", f"`{words}` alone leaves {counted(left, 'row')}.", then
            )


def _span(window: Window) -> str:
    return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"


def _rows(case: Case, definition: ExportDefinition, window: Window) -> int:
    return case.project.source().count(case.plan(definition, window).query)


def _alone(definition: ExportDefinition) -> Iterator[tuple[str, Filter]]:
    """Each condition by itself, and how it is called; its values may be a person's, and are not repeated."""
    chosen = definition.filter
    for key in chosen.model_fields_set - {"last", "rules", "where", "missing_ids"}:
        if value := getattr(chosen, key):
            yield f"filter.{key}", Filter(last=chosen.last, **{key: value})
    for id, value in chosen.where.items():
        yield f"filter.where.{id}", Filter(last=chosen.last, where={id: value})
    for number, rule in enumerate(chosen.rules, 1):
        yield f"rule {number}: {_words(rule)}", Filter(last=chosen.last, rules=(rule,))


def _words(rule: AnyRule) -> str:
    return f"{rule.lhv} {rule.op}" if isinstance(rule, Rule) else f"{len(rule.rules)} rules with {rule.op}"
