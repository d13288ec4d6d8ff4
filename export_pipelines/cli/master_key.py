"""`master-key`: the key that wraps the data keys of sealed artifacts."""

import typer

from export_pipelines.cli.context import project_of, show
from export_pipelines.quantities import counted
from export_pipelines.system_user import system_user

master_key = typer.Typer(no_args_is_help=True, help="The key that wraps the data keys of sealed artifacts.")


@master_key.command()
def rotate(context: typer.Context) -> None:
    """Wrap all data keys anew with the newest version of the master key; no artifact is written again. The older versions
    can then be removed, unless tokens are still to be opened with them."""
    from export_pipelines.artifacts.sealing import LEAD_INDEX, MasterKeys
    from export_pipelines.key_versions import key_not_set
    from export_pipelines.ledger import AuditAction

    project = project_of(context)
    masters = MasterKeys.of(project.settings.master_key)
    if masters is None:
        raise key_not_set("MASTER_KEY", "rotate")
    keys = project.data_keys
    old = [key for key in keys.all() if key.master != masters.active.id]
    keys.replace(masters.rewrap(old))
    count = sum(key.artifact != LEAD_INDEX for key in old)
    facts = {"change": "rotated", "data_keys": count}
    subject = f"master key {masters.active.id}"
    project.ledger.record(system_user(), AuditAction.KEY_CHANGED, subject, facts, project.now())
    show(f"{counted(count, 'data key')} wrapped anew")
