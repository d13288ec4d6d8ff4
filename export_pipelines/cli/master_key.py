"""`master-key`: the key that wraps the data keys of sealed artifacts."""

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import show
from export_pipelines.quantities import counted

master_key = typer.Typer(no_args_is_help=True, help="The key that wraps the data keys of sealed artifacts.")


@master_key.command()
def rotate(context: typer.Context, asker: As = None) -> None:
    """Wrap all data keys anew with the newest version of the master key; no artifact is written again. The older versions
    can then be removed, unless tokens are still to be opened with them."""
    from export_pipelines.artifacts.sealing import LEAD_INDEX, MasterKeys
    from export_pipelines.key_versions import key_not_set
    from export_pipelines.ledger import AuditAction

    project = administering(context, asker)
    masters = MasterKeys.of(project.settings.master_key)
    if masters is None:
        raise key_not_set("MASTER_KEY", "rotate")
    keys = project.data_keys
    old = [key for key in keys.all() if key.master != masters.active.id]
    keys.replace(masters.rewrap(old))
    count = sum(key.artifact != LEAD_INDEX for key in old)
    facts = {"change": "rotated", "data_keys": count}
    subject = f"master key {masters.active.id}"
    project.ledger.record(project.actor, AuditAction.KEY_CHANGED, subject, facts, project.now())
    show(f"{counted(count, 'data key')} wrapped anew")
