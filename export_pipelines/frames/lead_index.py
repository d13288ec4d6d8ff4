"""The index of leads of an artifact that was sealed where it lay, made from what is stored of its rows."""

from collections.abc import Iterator

import pyarrow as pa

from export_pipelines.artifacts import ROW_DIGESTS_NAME, Manifest, Store
from export_pipelines.artifacts.lead_index import INDEX_NAME, is_complete
from export_pipelines.artifacts.sealing import SealedStore
from export_pipelines.errors import DamagedArtifact
from export_pipelines.frames.lead_ids import NoTable, id_column, lead_ids, why_no_ids
from export_pipelines.run.lead_marks import lead_marks

SAFE_PREFIX = "'"  # of cells that `spreadsheet_safe` changed


def lacks_index(manifest: Manifest, store: Store) -> bool:
    """Whether nobody can tell which leads the artifact holds, also as its index is damaged. Reports hold none. Raises
    SettingsError, and SealedArtifact where the data key is not in the ledger."""
    if manifest.type == "report":
        return False
    if manifest.lead_index is None:
        return True
    try:
        with store.open(manifest.artifact, INDEX_NAME) as file:
            return not is_complete(file)
    except DamagedArtifact:
        return True


def add_lead_index(store: SealedStore, artifact: str) -> str | None:
    """Gives a sealed artifact the index of leads that it lacks, in constant memory; returns why it cannot have one, None
    where it has. Ended anywhere, the artifact is as it was or has the index.

    Raises SettingsError, KeyRefused for a master key that does not open the artifact, SealedArtifact where its data key is not
    in the ledger, DamagedArtifact for a part that does not open.
    """
    manifest = store.manifest(artifact)
    if reason := why_no_ids(manifest):
        return reason
    with store.amend(artifact) as staging:
        index, rows = staging.lead_index(), 0
        assert index is not None
        try:
            for ids in lead_ids(manifest, store):
                rows += len(ids)
                index.add(lead_marks(index.key, ids))
                if (
                    manifest.neutralised_cells
                ):  # an id may be as it was, or have been changed: both are marked
                    index.add(lead_marks(index.key, _without_prefix(ids)))
            for ids in _ids_of_set(manifest, store):
                index.add(lead_marks(index.key, ids))
        except NoTable as error:
            return str(error)
        if rows != manifest.rows:
            return f"{rows:,} rows were read back, the manifest says {manifest.rows:,}"
        staging.commit(manifest)
    return None


def _ids_of_set(manifest: Manifest, store: Store) -> Iterator[pa.Array]:
    """The leads of the whole set of rows, of which the files of `mode: changes` hold what has changed."""
    column = id_column(manifest)
    if manifest.row_digests is None or column is None or manifest.changes is None:
        return
    if manifest.changes.key == column.name:
        with store.open(manifest.artifact, ROW_DIGESTS_NAME) as file:
            reader = pa.ipc.open_file(pa.PythonFile(file, "r"))
            for place in range(reader.num_record_batches):
                yield reader.get_batch(place).column("key")


def _without_prefix(ids: pa.Array) -> pa.Array:
    texts = (id.removeprefix(SAFE_PREFIX) for id in ids.to_pylist() if id and id.startswith(SAFE_PREFIX))
    return pa.array(texts, pa.large_string())
