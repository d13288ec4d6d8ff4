"""What every staging asks of its parts, whatever it keeps them in."""

from collections.abc import Mapping

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.errors import DamagedArtifact, RequestError, StoreError


def same_name(name: str, artifact: str) -> RequestError:
    return RequestError(
        f'two parts of one artifact would both be named "{name}"',
        where=artifact,
        remedy="put {{part}} into `naming:`",
    )


def demand_whole(manifest: Manifest, artifact: str, stored: Mapping[str, int]) -> None:
    """Raises DamagedArtifact unless every part of `manifest` was stored with all of its bytes."""
    if manifest.artifact != artifact:
        raise StoreError(f"the manifest is that of {manifest.artifact}", where=artifact)
    for part in manifest.parts:
        if stored.get(part.name) != part.bytes:
            raise DamagedArtifact(
                f"{stored.get(part.name, 0)} bytes were stored, {part.bytes} were written",
                where=f"{artifact}/{part.name}",
            )
