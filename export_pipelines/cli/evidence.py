"""`evidence`: one file for a dispute or an auditor."""

from pathlib import Path
from typing import Annotated

import typer

from export_pipelines.cli.artifacts import Artifact
from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import say
from export_pipelines.errors import RequestError, StoreError


def evidence(
    context: typer.Context,
    artifact: Artifact,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The ZIP file to write; default: evidence_<artifact>.zip here."),
    ] = None,
    asker: As = None,
) -> None:
    """Write a signed ZIP file with the manifest, the receipts and the audit of an artifact, and a page that says how to
    verify it with sha256sum and openssl. Needs the key AUDIT_KEY."""
    from export_pipelines.audit.evidence import write_evidence
    from export_pipelines.files.os_errors import store_errors
    from export_pipelines.files.private import open_new
    from export_pipelines.ledger.checkpoint import Signer

    project = administering(context, asker)
    signer = Signer(project.settings.audit_key.active("evidence"))
    artifact = project.full_name(artifact)
    path = output or Path(f"evidence_{artifact.replace('/', '_')}.zip")
    if path.exists():
        raise RequestError("a file of that name is there", where=str(path), remedy="-o names another one")
    with store_errors("write the evidence", path.parent, StoreError), open_new(path, 1 << 20) as file:
        try:
            write_evidence(artifact, project.store, project.ledger, signer, project.now(), file)
        except BaseException:
            path.unlink()
            raise
    say(f"written to {path}")
