"""`--as NAME`: who asks, by access.yaml; the system's user where nobody is named."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.context import project_of
from export_pipelines.errors import Denied
from export_pipelines.key_versions import PREFIX
from export_pipelines.project import Project
from export_pipelines.system_user import system_user

if TYPE_CHECKING:
    from export_pipelines.access import Policy

API_KEY = f"{PREFIX}API_KEY"
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Who asks, by access.yaml, with this one's rights. Default: the system's user.",
        show_default=False,
    ),
]


def asking(context: typer.Context, name: str | None) -> Project:
    """The project, with whoever asks: the owner of the key in EXPORT_PIPELINES_API_KEY, or `name`, or the system's user.

    Raises Denied for one whom access.yaml does not know and for a key that is not good, which the audit then tells.
    """
    project = project_of(context)
    policy = project.policy()
    command = context.command_path
    with project.trail.refusals(name, "ask", command):
        project.asker = _asker(project, policy, name)
    return project


def administering(context: typer.Context, name: str | None) -> Project:
    """The same for a command that needs the permission `admin` of whoever asks, where there is an access.yaml. The audit
    names the command, and none of its arguments: an id of a lead may be among them. Raises Denied."""
    project = asking(context, name)
    project.require("admin", context.command_path)
    return project


def _asker(project: Project, policy: "Policy | None", name: str | None) -> str | None:
    from export_pipelines.access import asker_of

    key = project.environment.get(API_KEY)
    if policy and key:
        from export_pipelines.ledger import ApiKeys

        owner = ApiKeys(project.ledger.engine).use(key, project.now())
        if name not in (None, owner):
            raise Denied(
                f'the key is that of {owner}, not of "{name}"', where=API_KEY, remedy="leave --as out"
            )
        name = owner
    return asker_of(policy, name, system_user())
