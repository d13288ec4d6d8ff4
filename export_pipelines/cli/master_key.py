"""`master-key`: the key that wraps the data keys of sealed artifacts."""

import typer

from export_pipelines.cli.context import project_of, show
from export_pipelines.cli.detokenize import system_user
from export_pipelines.quantities import counted

master_key = typer.Typer(no_args_is_help=True, help="The key that wraps the data keys of sealed artifacts.")


@master_key.command()
def rotate(context: typer.Context) -> None:
    """Wrap all data keys anew with the newest version of the master key; no artifact is written again. The older versions
    can then be removed, unless tokens are still to be opened with them."""
    from export_pipelines.artifacts.sealing import MasterKeys
    from export_pipelines.key_versions import key_not_set
    from export_pipelines.ledger.data_keys import LedgerKeys

    project = project_of(context)
    masters = MasterKeys.of(project.settings.master_key)
    if masters is None:
        raise key_not_set("MASTER_KEY", "rotate")
    keys = LedgerKeys(lambda: project.ledger.engine)
    old = [key for key in keys.all() if key.master != masters.active.id]
    keys.replace([masters.rewrap(key) for key in old])
    project.ledger.record(
        system_user(), "master key rotated", masters.active.id, {"data_keys": len(old)}, project.now()
    )
    show(f"{counted(len(old), 'data key')} wrapped anew")
