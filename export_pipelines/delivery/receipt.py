"""The proof that an artifact arrived."""

import builtins
from collections.abc import Iterable, Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from export_pipelines.delivery.artifact import Artifact


class Receipt(BaseModel):
    """What was put where and when. `files` are names at `target`, the manifest last where it is delivered, `digests` the
    SHA-256 of each as it was put there, where others put files too; `bytes` are those of the parts and recipes; `sha256` is that of the manifest file, which lists the digest of every part; `details` is what
    the other side answered (Message-IDs, versions of objects), never a secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # what a later release added is not asked about

    kind: str
    target: str
    artifact: str
    files: tuple[str, ...]
    bytes: int
    sha256: str
    at: AwareDatetime
    details: dict[str, str] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict, exclude_if=lambda digests: not digests)

    def to_json(self) -> builtins.str:
        return self.model_dump_json(indent=2) + "\n"


def receipt_of(
    artifact: Artifact,
    kind: str,
    target: str,
    files: Iterable[str],
    details: Mapping[str, str] | None = None,
    manifest_sha256: str | None = None,
    digests: Mapping[str, str] | None = None,
) -> Receipt:
    """The receipt of an artifact that arrived at `target` as `files`; `manifest_sha256` where another manifest than the
    store's was delivered."""
    return Receipt(
        kind=kind,
        target=target,
        artifact=artifact.manifest.artifact,
        files=tuple(files),
        bytes=sum(file.bytes for file in artifact.files),
        sha256=manifest_sha256 or artifact.manifest_sha256,
        at=artifact.at,
        details=dict(details or {}),
        digests=dict(digests or {}),
    )
