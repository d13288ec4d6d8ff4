"""Which artifact is meant: by its name, by its window, or the newest; one with overrides or narrowed rights only by its name."""

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.artifacts.store import Store
from export_pipelines.errors import RequestError
from export_pipelines.plan.window import is_explicit


def artifact_named(store: Store, name: str) -> Manifest:
    """The manifest of an artifact as a listing names it, or of the newest of a window, `<export>/<window key>`.

    Raises RequestError, DamagedArtifact.
    """
    export, _, key = name.partition("/")
    if "/" in key:
        return store.manifest(name)
    for manifest in store.manifests(export):
        if manifest.window.key == key and manifest.is_usual:
            return manifest
    raise RequestError(
        f"there is no artifact of the window {key}" if key else "this names no window",
        where=export,
        remedy=f"export-pipelines artifacts {export} lists those that are there",
    )


def last_artifact(store: Store, export: str) -> Manifest:
    """The newest artifact of an export, whatever its window. Raises RequestError when there is none."""
    for manifest in store.manifests(export):
        if manifest.is_usual:
            return manifest
    raise _no_artifacts(export)


def newest_of_partitions(store: Store, export: str) -> list[Manifest]:
    """The newest artifact of each partition, in the order of time. Raises RequestError when there is none."""
    usual = [manifest for manifest in store.manifests(export) if manifest.is_usual]
    newest = {
        manifest.window.key: manifest for manifest in reversed(usual) if not is_explicit(manifest.window)
    }
    if not newest:
        raise _no_artifacts(export)
    return [newest[key] for key in sorted(newest)]


def _no_artifacts(export: str) -> RequestError:
    return RequestError("there are no artifacts of this export", where=export, remedy="run it first")
