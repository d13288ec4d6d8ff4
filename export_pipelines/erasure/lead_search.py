"""Which artifacts hold a lead: asked of the index that lies beside the parts, never of the files themselves."""

from dataclasses import dataclass

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.sealing import sealed_store
from export_pipelines.errors import DamagedArtifact, SealedArtifact


@dataclass(frozen=True)
class LeadMatches:
    """`holding` are artifacts with the lead; of those that are `unknown` nobody knows, see `holds_lead`."""

    holding: tuple[Manifest, ...]
    unknown: tuple[Manifest, ...]


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
    """Whether the artifact holds the lead of the mark; None where it has no index of all leads, its index is damaged, or the
    ledger never had its data key. Reports hold no leads, and what was sealed under a key that is destroyed holds nothing;
    of delivered copies of it, which may still hold the lead, see `record.unfinished`."""
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
        return False if sealed_store(store).keys.was_destroyed(manifest.artifact) else None
    except DamagedArtifact:
        return None


def why_unknown(manifest: Manifest, store: Store) -> str:
    """Why nobody knows whether the artifact holds a lead, for one of which `holds_lead` is None."""
    from export_pipelines.frames.lead_ids import why_no_ids

    if manifest.is_sealed and sealed_store(store).keys.get(manifest.artifact) is None:
        return "its data key is not in this ledger"
    return f"it has no index of all leads ({why_no_ids(manifest) or 'artifacts seal makes one'})"
