"""The proof that an artifact arrived."""

import builtins

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Receipt(BaseModel):
    """What was put where and when. `files` are names at `target`, the manifest last where it is delivered; `bytes` are
    those of the parts; `sha256` is that of the manifest file, which lists the digest of every part; `details` is what
    the other side answered (Message-IDs, versions of objects), never a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    target: str
    artifact: str
    files: tuple[str, ...]
    bytes: int
    sha256: str
    at: AwareDatetime
    details: dict[str, str] = Field(default_factory=dict)

    def to_json(self) -> builtins.str:
        return self.model_dump_json(indent=2) + "\n"
