"""`serve`: the service, exports over HTTP."""

import os
from pathlib import Path
from typing import Annotated

import typer

from export_pipelines.cli.context import project_of, say


def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen. Default: 127.0.0.1.", show_default=False),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="0 is any. Default: 3080.", show_default=False)
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For TLS, PEM.", show_default=False)
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of it, PEM.", show_default=False)
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESSES", help="Proxies whose word of the client counts.", show_default=False
        ),
    ] = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Serve exports over HTTP until Ctrl-C: the API, downloads and the page."""
    from export_pipelines.service import ServiceSettings
    from export_pipelines.service import serve as run

    project = project_of(context)
    settings = ServiceSettings.load(
        project.environment,
        host=host,
        port=port,
        certificate=certificate,
        private_key=private_key,
        trusted_proxies=trusted_proxies,
    )
    settings.require_free()
    say(f"serving {'https' if settings.certificate else 'http'}://{settings.host}:{settings.port}")
    run(project, settings, os.getppid() if with_parent else None)
