"""The recipes that go with an artifact, made for the names that its parts have where they arrive."""

import json
from dataclasses import replace

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.texts_beside import TextsBeside
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import RECIPES, Destination, HandOvers

TEXT_SUFFIX = ".txt"


def with_recipes(artifact: Artifact, store: Store, destination: Destination, journal: HandOvers) -> Artifact:
    """The artifact with the recipes that its manifest asks for: those of an earlier attempt, where a release in between may
    write them otherwise. Raises RequestError for files that a reader has no recipe for."""
    if not artifact.manifest.recipes:
        return artifact
    from export_pipelines.recipes.files import with_recipe_files

    texts = json.loads(journal.proof(RECIPES) or "{}") or _texts(artifact.manifest, destination)
    journal.done(RECIPES, json.dumps(texts))
    files = {name: text.encode() for name, text in texts.items()}
    manifest = with_recipe_files(artifact.manifest, files)
    return replace(artifact, manifest=manifest, store=TextsBeside(store, files))


def _texts(manifest: Manifest, destination: Destination) -> dict[str, str]:
    from export_pipelines.recipes.files import recipe_files

    suffix = "" if destination.capabilities.scripts else TEXT_SUFFIX
    files = recipe_files(manifest, destination.names(manifest), suffix)
    return {name: text.decode() for name, text in files.items()}
