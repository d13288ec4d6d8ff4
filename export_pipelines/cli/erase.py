"""`erase`: artifacts that must be gone."""

from typing import Annotated

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.errors import RequestError
from export_pipelines.system_user import system_user


def erase(
    context: typer.Context,
    artifacts: Annotated[list[str], typer.Argument(help="As `artifacts` names them.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy the data keys of artifacts, then their files. A sealed artifact opens nowhere any more, in no copy. Who did it
    is recorded in the audit."""
    from export_pipelines.erasure import erase as erase_one

    project = project_of(context)
    for artifact in artifacts:
        project.store.manifest(artifact)  # all of them, before the first one is gone
    if not yes and not typer.confirm(f"Erase {', '.join(artifacts)}? It cannot be undone", err=True):
        raise RequestError("nothing was erased", remedy="answer y, or say --yes")
    for artifact in artifacts:
        erasure = erase_one(artifact, project.store, project.ledger, system_user(), project.now)
        show(f"{artifact}: erased" + (", its key is destroyed" if erasure.sealed else ""))
        for copy in erasure.copies:
            say(f"a delivered copy is left at {copy}")
