"""Which artifacts hold a lead: asked of the index that lies beside the parts, never of the files themselves."""

from dataclasses import dataclass

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.sealing import sealed_store
from export_pipelines.errors import SealedArtifact


@dataclass(frozen=True)
class LeadMatches:
    """`holding` are artifacts with the lead; of those `without_index` nobody knows."""

    holding: tuple[Manifest, ...]
    without_index: tuple[Manifest, ...]


def lead_mark(store: Store, lead_id: str) -> int:
    """The mark of a lead in every index of the store. Raises SettingsError without a master key."""
    from export_pipelines.artifacts.lead_index import mark_of

    return mark_of(sealed_store(store).index_key(), lead_id)


def search(store: Store, mark: int) -> LeadMatches:
    """Asks every artifact of the store. Raises SettingsError for one whose master key is not held."""
    answers = [(manifest, holds_lead(manifest, store, mark)) for manifest in store.manifests()]
    return LeadMatches(
        tuple(manifest for manifest, answer in answers if answer),
        tuple(manifest for manifest, answer in answers if answer is None),
    )


def holds_lead(manifest: Manifest, store: Store, mark: int) -> bool | None:
    """Whether the artifact holds the lead of the mark; None where it has no index, or one of an earlier release, which may
    lack a lead. Reports hold no leads, and what was
    sealed under a key that is destroyed holds nothing."""
    from export_pipelines.artifacts.lead_index import INDEX_NAME, holds_mark

    if manifest.type == "report":
        return False
    if manifest.lead_index is None:
        return None
    where = f"{manifest.artifact}/{INDEX_NAME}"
    try:
        with store.open(manifest.artifact, INDEX_NAME) as file:
            return holds_mark(file, manifest.lead_index.bytes, mark, where)
    except SealedArtifact:
        return False
