"""`sample leads` and `import leads`: something to export."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.progress import progress_bar
from export_pipelines.cli.tables import Json, show_json, show_table
from export_pipelines.errors import RequestError
from export_pipelines.project import Project
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.importer.import_csv import ImportResult

FIRST_DAY = "2024-01-01"

Replace = Annotated[bool, typer.Option("--replace", help="Drop the leads that are there.")]


def sample_leads(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=1, help="How many leads.")] = 20_000,
    days: Annotated[int, typer.Option(min=1, help="Spread evenly over so many days.")] = 60,
    start: Annotated[str, typer.Option(metavar="DAY", help="The first day, UTC.")] = FIRST_DAY,
    seed: Annotated[int, typer.Option(help="The same seed gives the same leads.")] = 1,
    replace: Replace = False,
) -> None:
    """Fill the lead store with made-up leads and their events, realistic down to the nasty values."""
    first = _day(start)
    make_sample(project_of(context), count, seed, first, days, replace=replace)
    say(f"{counted(count, 'lead')} made, {first} to {first + timedelta(days=days - 1)}")


def make_sample(
    project: Project, count: int, seed: int, start: date, days: int, *, replace: bool = False
) -> None:
    """Writes the sample, events too, into the source. Raises RequestError when leads are there and are not to be replaced."""
    from export_pipelines.sample import generate_leads

    url = project.settings.source_url.get_secret_value()
    with progress_bar("making leads", count) as progress:
        generate_leads(url, count, seed, start, days, progress, replace=replace, events=True)


def import_leads(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A CSV file, gzip or not, its first line the headers.", show_default=False)
    ],
    map: Annotated[  # the option's name
        list[str] | None, typer.Option("--map", metavar="FILE.yaml|HEADER=FIELD", help="May be repeated.")
    ] = None,
    set: Annotated[  # the option's name
        list[str] | None, typer.Option("--set", metavar="FIELD=TEXT", help="The same text for every lead.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rows that cannot be loaded; in HOME when not said.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Such as utf-8 or cp1252; guessed when not said.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="CHARACTER", help="Between cells; guessed when not said.")
    ] = None,
    dates: Annotated[
        str | None,
        typer.Option(
            metavar="ORDER",
            help="1/2/2024 is 'day first' or 'month first'; other rows tell it when not said.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how the file would be read, and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Load a CSV file of your own; columns that no field knows become custom fields, bad rows a reject file. Exits with 1
    if every row is rejected."""
    from export_pipelines.importer.dates import checked_order
    from export_pipelines.importer.guess_dialect import checked_delimiter, checked_encoding
    from export_pipelines.importer.import_csv import import_leads as load
    from export_pipelines.importer.mapping import mapping_of
    from export_pipelines.settings import CATALOG_FILE

    project = project_of(context)
    settings = project.settings
    reject = rejects or settings.home / "rejects" / f"{file.stem}.csv"
    mapping = mapping_of(map or [], set or [])
    mapping = replace(
        mapping,
        encoding=checked_encoding(encoding) if encoding else mapping.encoding,
        delimiter=checked_delimiter(delimiter) if delimiter else mapping.delimiter,
        dates=checked_order(dates) if dates else mapping.dates,
    )
    catalog_file = settings.catalog or settings.home / CATALOG_FILE
    with progress_bar("loading rows", None) as progress:
        result = load(
            file,
            mapping,
            settings.source_url.get_secret_value(),
            reject,
            is_numbered=rejects is None,
            catalog=project.catalog,
            catalog_out=catalog_file,
            progress=progress,
            waiting=lambda: say("waiting for another process that writes into the lead store"),
            dry_run=dry_run,
        )
    if json:
        show_json(
            {
                **vars(result),
                "form": vars(result.form),
                "columns": [column.as_json() for column in result.columns],
                "dates": [vars(order) for order in result.dates],
            }
        )
    else:
        _tell(result, dry_run)
    if result.records and result.rejected == result.records:
        raise typer.Exit(1)


def _tell(result: "ImportResult", dry_run: bool) -> None:
    done = "would be loaded" if dry_run else "loaded"
    show(f"{counted(result.loaded, 'lead')} {done} of {counted(result.records, 'row')}")
    if result.already_there:
        show(f"{counted(result.already_there, 'lead')} already there")
    if result.rejected:
        where = "would be rejected" if dry_run else f"rejected, with line and reason in {result.reject_file}"
        show(f"{counted(result.rejected, 'row')} {where}")
    for line, reason in result.first_rejects:
        show(f"line {line}: {reason}")
    _tell_how(result, dry_run)


def _tell_how(result: "ImportResult", dry_run: bool) -> None:
    """How the file was read, and what its columns are."""
    guessed = " and ".join(result.form.guessed)
    say(f"{result.form}" + (f" ({guessed} guessed)" if guessed else ""))
    for order in result.dates:
        why = f", as line {order.line} tells" if order.line else ""
        say(f'dates of "{order.header}" are read {order.order}{why}')
    if dry_run:
        show_table(
            result.columns,
            {
                "column": lambda column: column.header,
                "field": lambda column: column.field,
                "by": lambda column: f"{column.match} (guessed)" if column.match.is_guess else column.match,
            },
        )
        return
    for header, field in result.custom_fields.items():
        say(f'column "{header}" is {field}')
    for header, type_name in result.never_exported.items():
        say(f'column "{header}" is of type {type_name}: it is loaded and never exported')
    if result.catalog_file:
        say(f"custom fields are declared in {result.catalog_file}; export-pipelines fields leads lists them")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RequestError(
            f'--start "{text}" is no day of the calendar', remedy="write it YYYY-MM-DD"
        ) from error


sample = typer.Typer(no_args_is_help=True, help="Make up something to export: sample leads.")
sample.command("leads")(sample_leads)
imports = typer.Typer(no_args_is_help=True, help="Bring your own: import leads FILE.csv.")
imports.command("leads")(import_leads)
