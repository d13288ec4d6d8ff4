"""Which artifact is meant: by its name, by its window, or the newest; one with overrides or narrowed rights only by its name."""

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.artifacts.store import Store
from export_pipelines.artifacts.token import is_full, recency
from export_pipelines.errors import RequestError
from export_pipelines.plan.window import is_explicit


def artifact_named(store: Store, name: str) -> Manifest:
    """The manifest of an artifact that `full_name` can name. Raises RequestError, DamagedArtifact."""
    return store.manifest(full_name(store, name))


def full_name(store: Store, name: str) -> str:
    """`name` where it is one as a listing has it; of `<export>/<window key>`, that of the newest artifact of the window, a damaged
    one too, as nobody is to get an older one for it unawares. Raises RequestError where there is none."""
    if is_full(name):
        return name
    export, _, key = name.partition("/")
    names = store.artifacts(export, key, key) if export and key else ()
    for artifact in sorted(names, key=recency, reverse=True):
        listing = store.read([artifact])
        if artifact in listing.damaged or any(manifest.is_usual for manifest in listing.manifests):
            return artifact
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
