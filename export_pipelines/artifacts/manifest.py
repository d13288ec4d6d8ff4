"""The manifest: JSON that lists the parts. No manifest, no artifact."""

import builtins
import hashlib
import json
from typing import Self

from pydantic import AwareDatetime, Field, ValidationError

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.errors import DamagedArtifact
from export_pipelines.plan.plan import Frozen, Mask, Window

MANIFEST_NAME = "manifest.json"
RERUN = "run the export again for this window; the source still holds the rows"


class Part(Frozen):
    """One finished file: its name, rows, bytes on disk, bytes before compression, SHA-256 of the file, its window."""

    name: str
    rows: int
    bytes: int
    raw_bytes: int
    sha256: str
    window: Window


class ManifestColumn(Frozen):
    """What a reader of the files relies on."""

    name: str
    id: str
    kind: Kind
    scale: int | None = None
    pii: PiiClass
    mask: Mask | None = None


class Manifest(Frozen):
    """One artifact, whole. `seconds` is wall time by stage (extract, encode, store).

    `digest` is the SHA-256 of all the rest, so that an edited manifest is found out; `sealed()` sets it.
    """

    artifact: str  # "<export>/<window key>/<id>", also its folder in the store
    export: str
    type: str
    created_at: AwareDatetime
    window: Window
    plan_hash: str
    schema_hash: str
    schema_version: int
    schema_changed: bool = False  # columns differ from those of the artifact before
    format: str
    options: dict[str, object] = Field(default_factory=dict)
    media_type: str
    codec: str
    columns: tuple[ManifestColumn, ...]
    removed: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = Field(  # versions of the keys behind hashes and tokens: HASH_KEY_2:1a2b3c4d
        default=(), exclude_if=lambda ids: not ids
    )
    notes: tuple[str, ...] = ()  # of a report: its time basis, and what could not be told
    rows: int
    bytes: int
    raw_bytes: int
    null_required: dict[str, int] = Field(default_factory=dict)  # required column -> rows in which it is null
    bad_json: dict[str, int] = Field(  # column -> values that did not parse and became null
        default_factory=dict, exclude_if=lambda found: not found
    )
    masked_values: int = 0
    neutralised_cells: int = 0  # cells that spreadsheet_safe prefixed
    seconds: dict[str, float] = Field(default_factory=dict)
    parts: tuple[Part, ...]
    digest: str = ""

    def sealed(self) -> Self:
        """The same manifest with its digest."""
        return self.model_copy(update={"digest": self._digest()})

    def to_json(self) -> builtins.bytes:
        """The manifest file, to the byte: sealed, readable, equal for equal manifests."""
        return (self.sealed().model_dump_json(indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, data: builtins.bytes, where: str) -> Self:
        """The manifest in `data`; `where` names it in errors. Raises DamagedArtifact when cut or edited."""
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            raise DamagedArtifact(
                f"the manifest cannot be read ({error.error_count()} faults)", where=where, remedy=RERUN
            ) from error
        if manifest.digest != manifest._digest():
            raise DamagedArtifact(
                "the manifest was changed: its digest does not match", where=where, remedy=RERUN
            )
        return manifest

    @classmethod
    def of(cls, artifact: str, data: builtins.bytes) -> Self:
        """The manifest that lies in the store as that of `artifact`. Raises DamagedArtifact."""
        where = f"{artifact}/{MANIFEST_NAME}"
        manifest = cls.from_json(data, where)
        if manifest.artifact != artifact:
            raise DamagedArtifact(f"the manifest is that of {manifest.artifact}", where=where, remedy=RERUN)
        return manifest

    def _digest(self) -> str:
        content = self.model_dump(mode="json", exclude={"digest"})
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
