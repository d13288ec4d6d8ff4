"""The manifest: JSON that lists the parts. No manifest, no artifact."""

from pydantic import AwareDatetime

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.plan.plan import Frozen, Mask, Window

MANIFEST_NAME = "manifest.json"


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
    """One artifact, whole. `seconds` is wall time by stage (extract, encode, store)."""

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
    options: dict[str, object] = {}
    media_type: str
    codec: str
    columns: tuple[ManifestColumn, ...]
    removed: tuple[str, ...] = ()
    rows: int
    bytes: int
    raw_bytes: int
    null_required: dict[str, int] = {}  # required column -> rows in which it is null
    masked_values: int = 0
    neutralised_cells: int = 0  # cells that spreadsheet_safe prefixed
    seconds: dict[str, float] = {}
    parts: tuple[Part, ...]
