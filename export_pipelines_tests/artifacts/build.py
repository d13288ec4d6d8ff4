"""Small artifacts made by hand: bytes of parts in, a committed artifact out."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from export_pipelines.artifacts import ColumnStatistics, Manifest, ManifestColumn, Part, Store
from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.plan.plan import Window

WINDOW = Window(
    start=datetime(2024, 1, 15, tzinfo=UTC), end=datetime(2024, 1, 16, tzinfo=UTC), key="2024-01-15"
)
AT = datetime(2024, 1, 16, 2, 0, tzinfo=UTC)
TOKEN = "20240116T020000Z-0a1b2c"
PARTS = {"leads_part_1.csv": b"id,email\n1,\xc3\xa9\n" * 40, "leads_part_2.csv": b"id,email\n2,b\n" * 70}


def manifest_of(
    parts: dict[str, bytes] = PARTS,
    export: str = "daily",
    token: str = TOKEN,
    at: datetime = AT,
    window: Window = WINDOW,
    recipes: tuple[str, ...] = (),
) -> Manifest:
    listed = tuple(
        Part(
            name=name,
            rows=data.count(b"\n"),
            bytes=len(data),
            raw_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            window=window,
        )
        for name, data in parts.items()
    )
    return Manifest(
        artifact=f"{export}/{window.key}/{token}",
        export=export,
        type="lead",
        created_at=at,
        window=window,
        fingerprint="1:" + "0" * 64,
        schema_hash="1" * 64,
        schema_version=1,
        format="csv",
        options={"spreadsheet_safe": False},
        media_type="text/csv",
        codec="none",
        columns=(
            ManifestColumn(
                name="id",
                id="id",
                kind=Kind.TEXT,
                pii=PiiClass.NONE,
                statistics=ColumnStatistics(nulls=0, longest_bytes=1),
            ),
        ),
        rows=sum(part.rows for part in listed),
        bytes=sum(part.bytes for part in listed),
        raw_bytes=sum(part.raw_bytes for part in listed),
        seconds={"extract": 0.1, "encode": 1 / 3},
        recipes=recipes,
        parts=listed,
    )


def stored(store: Store, parts: dict[str, bytes] = PARTS, **manifest: object) -> Manifest:
    """A committed artifact of `parts`; `manifest` are arguments of `manifest_of`."""
    made = manifest_of(parts, **manifest).with_digest()  # type: ignore[arg-type]
    with store.begin(*made.artifact.split("/")) as staging:
        for name, data in parts.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        return staging.commit(made)


def child_environment() -> dict[str, str]:
    """The environment of a Python child that has to find the package and its tests."""
    here = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
