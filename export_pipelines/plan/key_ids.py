"""Which keys a plan's masks need, and the name under which the plan, its hash and the manifest hold each."""

from collections.abc import Iterable

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import key_not_set
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.request import PlanRequest

KEY_OF = {Mask.HASH: "HASH_KEY", Mask.TOKENIZE: "MASTER_KEY"}


def keys_needed(columns: Iterable[OutputColumn], request: PlanRequest) -> tuple[str, ...]:
    """The key versions that the columns' masks need, such as `HASH_KEY_2:1a2b3c4d`.

    Raises SettingsError, at the line of `privacy`, for a key that is missing or cannot be used.
    """
    used = {mask for column in columns for mask in (column.mask, *(seal.mask for seal in column.seals))}
    return tuple(_key_of(mask, name, request) for mask, name in KEY_OF.items() if mask in used)


def _key_of(mask: Mask, name: str, request: PlanRequest) -> str:
    key = request.keys.get(name) or key_not_set(name, mask)
    if isinstance(key, SettingsError):
        raise SettingsError(
            f"privacy: {key.what}", where=request.definition.at("privacy"), remedy=key.remedy
        ) from key
    return key
