"""A plan as text for people: what `export-pipelines plan` prints and the run's metadata shows."""

import json
import textwrap
from collections.abc import Iterator, Sequence

from export_pipelines.definition.readers import NEEDS
from export_pipelines.plan.plan import Mask, OutputColumn, Plan
from export_pipelines.plan.query.query import Query, Statement
from export_pipelines.plan.window_words import part_file_name
from export_pipelines.text_tables import table_lines

WIDTH = 110


def describe(plan: Plan) -> str:
    """Every section, with no trailing newline."""
    sections = (_rights, _extract, _filter, _report, _query, _columns, _encoding, _output)
    return "\n".join([_head(plan), *(line for section in sections for line in section(plan))])


def describe_stream(plan: Plan, about: Sequence[str]) -> str:
    """The sections of a stream, which has neither windows nor files; `about` are lines on how new rows are found and where
    records go."""
    sections = (_rights, _source, _filter, _query, _columns)
    return "\n".join([_head(plan), *about, *(line for section in sections for line in section(plan))])


def describe_columns(columns: Sequence[OutputColumn]) -> str:
    """The table of columns: header, type, PII class, what is done to it."""
    lines = table_lines((c.header, _kind(c), f"pii {c.pii}", _done(c)) for c in columns)
    return "\n".join([f"columns      {len(columns)}", *(f"  {line}" for line in lines)])


def describe_sql(query: Query) -> str:
    """The SELECT, wrapped, with its parameters below; those that are compared with personal fields are starred. Then
    what is asked of its rows afterwards, in memory."""
    return "\n".join(_sql(query))


def _head(plan: Plan) -> str:
    owner = f", owner {plan.owner}" if plan.owner else ""
    return f"{plan.export} ({plan.type}{owner})"


def _rights(plan: Plan) -> Iterator[str]:
    rights = plan.rights
    if rights is None:
        return
    asker = f", asked for by {rights.asker} as {rights.asker_role}" if rights.asker else ""
    yield f"rights       owner {rights.owner} as {rights.owner_role}{asker}"
    for text in rights.narrowed:
        yield from textwrap.wrap(f"not given    {text}", WIDTH, subsequent_indent="             ")


def _extract(plan: Plan) -> Iterator[str]:
    extract = plan.extract
    yield f"window       {extract.window.key}: {extract.window_field} in {extract.window}"
    yield from _source(plan)
    if extract.order:
        yield f"order        {', '.join(extract.order)}"
    if plan.changes:
        every = plan.changes.full_every
        full = f", all of them in one of {every} artifacts" if every else ""
        yield f"changes      rows added, changed or removed, told apart by {plan.changes.key}{full}"


def _source(plan: Plan) -> Iterator[str]:
    extract = plan.extract
    yield f"source       {extract.dataset}, table {extract.table}, {extract.dialect}"


def _filter(plan: Plan) -> Iterator[str]:
    for number, text in enumerate(plan.filter.text or ("every row",)):
        yield ("rows where   " if number == 0 else "         and ") + text
    for number, text in enumerate(plan.filter.residual):
        yield ("residual     " if number == 0 else "         and ") + text


def _report(plan: Plan) -> Iterator[str]:
    report = plan.report
    if report is None:
        return
    yield f"report       {', '.join(report.metrics)}"
    yield f"a row for    {' and '.join(f'each {key}' for key in report.keys) or 'all of it'}"
    if report.series and report.series.fill:
        yield f"buckets      every {report.series.every}, those without rows too"
    if report.pivot:
        yield f"pivot        {report.pivot}: its values become columns"
    if report.min_group:
        yield f"left out     groups of fewer than {report.min_group} leads, by right"
    if report.totals:
        yield "totals       a last row over everything"
    for note in report.notes:
        yield from textwrap.wrap(f"note         {note}", WIDTH, subsequent_indent="             ")


def _query(plan: Plan) -> Iterator[str]:
    yield "sql"
    yield from (f"  {line}" for line in _sql(plan.query))


def _sql(query: Query) -> Iterator[str]:
    yield from _statement(query)
    if query.functions:
        yield "registered functions: " + ", ".join(query.functions)
    if query.residual:
        yield "then of these rows, in memory"
        yield from _statement(query.residual)
        if query.residual.groups:
            yield "then of all of them"
            yield from _statement(query.residual.groups)


def _statement(asked: Statement) -> Iterator[str]:
    for line in asked.sql.splitlines():
        yield from textwrap.wrap(
            line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    if asked.parameters:
        yield "with " + json.dumps(asked.shown, ensure_ascii=False)


def _columns(plan: Plan) -> Iterator[str]:
    masking = plan.masking
    yield describe_columns(masking.columns)
    for text, ids in (
        ("left out for privacy", masking.removed),
        ("redacted from texts", masking.own),
        ("never exported, taken out of texts", masking.never),
        ("keys needed", masking.key_ids),
    ):
        if ids:
            yield from textwrap.wrap(f"  {text}: {', '.join(ids)}", WIDTH, subsequent_indent="    ")


def _kind(column: OutputColumn) -> str:
    return f"{column.kind}({column.scale})" if column.scale is not None else str(column.kind)


def _done(column: OutputColumn) -> str:
    parts = [_PAST[column.mask]] if column.mask else []
    parts += [f"{seal.path} {_PAST[seal.mask]}" for seal in column.seals if seal.mask]
    if column.component:
        parts.append(f"from {column.source}")
    return ", ".join(parts)


def _encoding(plan: Plan) -> Iterator[str]:
    options = "".join(
        f", {name}: {json.dumps(value)}" for name, value in sorted(plan.encoding.options.items())
    )
    reader = plan.encoding.reader
    taken = NEEDS.get(reader, {}).get(plan.encoding.format, {}) if reader else {}
    needs = " and ".join(f"{name}: {json.dumps(value)}" for name, value in taken.items()) or "no option"
    yield f"format       {plan.encoding.format}{options}" + (f"; {reader} needs {needs}" if reader else "")
    level = f", level {plan.compression.level}" if plan.compression.level is not None else ""
    yield f"compression  {plan.compression.codec}{level}"


def _output(plan: Plan) -> Iterator[str]:
    output = plan.output
    cuts = [f"{output.part_rows:,} rows"] if output.part_rows else []
    cuts += [f"{output.part_bytes:,} bytes"] if output.part_bytes else []
    first, second = (part_file_name(plan, n) for n in (1, 2))
    each = f", {second}, ... each of at most {' or '.join(cuts)}" if cuts else ""
    yield f"parts        {first}{each}"
    if plan.query.limit:
        yield f"rows cut at  {plan.query.limit:,}, by right"
    yield f"limits       {output.max_rows:,} rows, {output.max_bytes:,} bytes before compression"
    if output.skip_empty:
        yield "empty        nothing is delivered"
    for number, entry in enumerate(output.deliver):
        settings = ", ".join(f"{name}: {json.dumps(value)}" for name, value in entry["settings"].items())
        yield ("deliver to   " if number == 0 else "             ") + f"{entry['kind']} ({settings})"
    if not output.deliver:
        yield "deliver to   nothing but the artifact store"
    if output.recipes:
        yield f"recipes      {', '.join(output.recipes)}"


_PAST = {
    Mask.REMOVE: "removed",
    Mask.HASH: "hashed",
    Mask.TOKENIZE: "tokenized",
    Mask.REDACT: "redacted",
    Mask.MASK: "masked",
    Mask.KEEP: "kept",
}
