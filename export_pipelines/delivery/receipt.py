"""The proof that an artifact arrived."""

import builtins

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Receipt(BaseModel):
    """What was put where and when. `files` are names at `target`, the manifest last; `bytes` are those of the
    parts; `sha256` is that of the manifest file, which lists the digest of every part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    target: str
    artifact: str
    files: tuple[str, ...]
    bytes: int
    sha256: str
    at: AwareDatetime

    def to_json(self) -> builtins.str:
        return self.model_dump_json(indent=2) + "\n"
