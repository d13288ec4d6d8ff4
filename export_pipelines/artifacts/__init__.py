"""What came out: artifacts, each a folder of parts with a manifest, in a store."""

from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    NO_ACCESS_FILE,
    ROW_DIGESTS_NAME,
    Changes,
    ColumnStatistics,
    DeliveredEncryption,
    Manifest,
    ManifestColumn,
    Part,
)
from export_pipelines.artifacts.renamed_store import RenamedStore
from export_pipelines.artifacts.store import HoldLock, Staging, Store, open_store
from export_pipelines.artifacts.verify import verify

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST_NAME",
    "NO_ACCESS_FILE",
    "ROW_DIGESTS_NAME",
    "Changes",
    "ColumnStatistics",
    "DeliveredEncryption",
    "HoldLock",
    "Listing",
    "Manifest",
    "ManifestColumn",
    "Part",
    "RenamedStore",
    "Staging",
    "Store",
    "open_store",
    "verify",
]
