"""Which keys a plan's masks need, and the name under which each is written into the plan."""

from collections.abc import Iterable

from export_pipelines.errors import SettingsError
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.request import PlanRequest

KEY_OF = {Mask.HASH: "HASH_KEY", Mask.TOKENIZE: "MASTER_KEY"}


def keys_needed(columns: Iterable[OutputColumn], request: PlanRequest) -> tuple[str, ...]:
    """Names of the keys that the columns' masks need. Raises SettingsError, at the line of `privacy`."""
    used = {mask for column in columns for mask in (column.mask, *(seal.mask for seal in column.seals))}
    needed = tuple(sorted(KEY_OF[mask] for mask in used if mask in KEY_OF))
    for mask, key in KEY_OF.items():
        if key in needed and key not in request.keys:
            name = f"EXPORT_PIPELINES_{key}"
            raise SettingsError(
                f"privacy: {mask} needs the key {name}, which is not set",
                where=request.definition.at("privacy"),
                remedy=f'export {name}="$(openssl rand -hex 32)", or name a file that holds it in {name}_FILE',
            )
    return needed
