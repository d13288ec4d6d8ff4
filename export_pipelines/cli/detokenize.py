"""`detokenize`: the values behind tokens, for those who hold the key."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import say, show
from export_pipelines.errors import RequestError


def detokenize(
    context: typer.Context,
    token: Annotated[
        str, typer.Argument(metavar="TOKEN|FILE", help="A token, or a CSV or TSV file (.gz too).")
    ],
    column: Annotated[
        list[str] | None, typer.Option("--column", help="A column of tokens in the file; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write, for its owner only; else stdout.")
    ] = None,
    null_marker: Annotated[
        str, typer.Option("--null-marker", help="What the file has for null; it stays as it is.")
    ] = "",
    asker: As = None,
) -> None:
    """Give back the values behind tokens, with the master key. Who did it, when and to what is recorded in the ledger."""
    from export_pipelines.detokenize import Detokenizer
    from export_pipelines.mask.keys import Keys
    from export_pipelines.mask.pseudonyms import Opener

    _require_sense(token, column, output, null_marker)
    project = administering(context, asker)
    opener = Opener(Keys.of(project.settings))
    detokenizer = Detokenizer(opener, project.ledger, project.actor, project.now)
    if not column:
        with detokenizer.value(token) as value:
            show(value)
        return
    opened = detokenizer.file(Path(token), column, null_marker, output, sys.stdout.buffer)
    sys.stdout.flush()
    say(f"{opened:,} tokens opened" + (f"; written to {output}" if output else ""))


def _require_sense(token: str, column: list[str] | None, output: Path | None, null_marker: str) -> None:
    if column:
        return
    if output is not None or null_marker:
        raise RequestError(
            "--output and --null-marker are for a file", remedy="name its columns: --column NAME"
        )
    from export_pipelines.mask.pseudonyms import TOKEN

    if not TOKEN.fullmatch(token) and Path(token).is_file():
        raise RequestError("the columns that hold tokens are missing", where=token, remedy="--column NAME")
