"""The recipes that an export delivers beside its files: a text file for each reader that its manifest names."""

import hashlib
from collections.abc import Mapping, Sequence

from export_pipelines.artifacts import Manifest, Part
from export_pipelines.recipes.readers import READERS, recipe_for
from export_pipelines.recipes.stored import default_name
from export_pipelines.recipes.table import Table

RECIPE_TYPE = "text/plain; charset=utf-8"


def recipe_files(manifest: Manifest, names: Sequence[str] = (), suffix: str = "") -> Mapping[str, bytes]:
    """Name -> text, in the order of the readers. `names` are those of the parts where they are read, if not their own; `suffix`
    ends each recipe's name. Equal manifests give equal texts. Raises RequestError."""
    if not (manifest.parts and manifest.recipes):
        return {}
    parts = zip(manifest.parts, names or [part.name for part in manifest.parts], strict=True)
    renamed = tuple(part.model_copy(update={"name": name}) for part, name in parts)
    table = Table(manifest.as_delivered().model_copy(update={"parts": renamed}), default_name(manifest))
    files = {file_name(manifest, reader): reader for reader in manifest.recipes}
    return {name + suffix: recipe_for(table, reader, name).text.encode() for name, reader in files.items()}


def file_name(manifest: Manifest, reader: str) -> str:
    """`daily_leads_2024-01-15.recipe.pandas.py`: other exports and windows may lie in the same folder."""
    return f"{manifest.export}_{manifest.window.key}.recipe.{reader}.{READERS[reader].extension}"


def with_recipe_files(manifest: Manifest, files: Mapping[str, bytes]) -> Manifest:
    """The manifest that lists them."""
    listed = tuple(
        Part(
            name=name,
            rows=0,
            bytes=len(text),
            raw_bytes=len(text),
            sha256=hashlib.sha256(text).hexdigest(),
            window=manifest.window,
        )
        for name, text in files.items()
    )
    return manifest.model_copy(update={"recipe_files": listed}) if listed else manifest


def media_type_of(manifest: Manifest, file: Part) -> str:
    """Of a part, or of a recipe that the manifest lists, before any encryption."""
    return RECIPE_TYPE if file in manifest.recipe_files else manifest.media_type
