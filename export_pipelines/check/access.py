"""What access.yaml says, and what is to be said of it."""

from pathlib import Path

from export_pipelines.access import Policy, load_policy
from export_pipelines.catalog import Catalog
from export_pipelines.catalog.load import shown
from export_pipelines.check.fault import ACCESS, CheckFault
from export_pipelines.errors import DefinitionError
from export_pipelines.settings import Settings


def policy_of(settings: Settings, catalog: Catalog) -> tuple[Policy | None, list[CheckFault]]:
    """The policy, None where there is none or it is wrong."""
    try:
        policy = load_policy(settings.access, catalog, settings.requires_access)
    except DefinitionError as error:
        return None, [CheckFault(ACCESS, "error", text) for text in error.faults]
    return policy, [] if policy else [CheckFault(ACCESS, "note", _open_to_all(settings.access))]


def _open_to_all(file: Path) -> str:
    return f"there is no {shown(file)}, so whoever reaches this program may export everything"
