"""Recipes of artifacts that are in a store."""

import re

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.manifest import RERUN
from export_pipelines.errors import DamagedArtifact
from export_pipelines.recipes.readers import recipe_for
from export_pipelines.recipes.recipe import Recipe
from export_pipelines.recipes.table import Table


def recipe_of(manifest: Manifest, store: Store, reader: str, table: str | None) -> Recipe:
    """The recipe that loads a stored artifact into `reader`, as `table` or under the export's name. Raises RequestError, and
    DamagedArtifact for an artifact whose parts are gone."""
    files = store.files(manifest.artifact)
    if gone := [part.name for part in manifest.parts if part.stored_name not in files]:
        raise DamagedArtifact(f"{', '.join(gone[:3])} is gone", where=manifest.artifact, remedy=RERUN)
    return recipe_for(Table(manifest, default_name(manifest) if table is None else table), reader)


def default_name(manifest: Manifest) -> str:
    """The export's name as a name of a table."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", manifest.export)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"
