"""Which keys a plan's masks need, and the name under which the plan, its hash and the manifest hold each."""

from collections.abc import Iterable

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PURPOSES, key_not_set
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.plan.request import PlanRequest

KEY_OF = {Mask.HASH: "HASH_KEY", Mask.TOKENIZE: "MASTER_KEY"}


def keys_needed(columns: Iterable[OutputColumn], request: PlanRequest) -> tuple[str, ...]:
    """The key versions that the columns' masks and the digests of `mode: changes` need, such as `HASH_KEY_2:1a2b3c4d`.

    Raises SettingsError, at the line of `privacy` or `mode`, for a key that is missing or cannot be used.
    """
    used = {mask for column in columns for mask in (column.mask, *(seal.mask for seal in column.seals))}
    asking = {name: "privacy" for mask, name in KEY_OF.items() if mask in used}
    if request.definition.changes:
        asking.setdefault(KEY_OF[Mask.HASH], "mode")
    return tuple(_key_of(name, asking[name], request) for name in KEY_OF.values() if name in asking)


def _key_of(name: str, key: str, request: PlanRequest) -> str:
    version = request.keys.get(name) or key_not_set(name, PURPOSES[name])
    if isinstance(version, SettingsError):
        raise SettingsError(
            f"{key}: {version.what}", where=request.definition.at(key), remedy=version.remedy
        ) from version
    return version
