"""Sealing: artifacts encrypted at rest, each under a data key of its own."""

from export_pipelines.artifacts.sealing.data_keys import (
    LEAD_INDEX,
    DataKeys,
    MasterKey,
    MasterKeys,
    WrappedKey,
)
from export_pipelines.artifacts.sealing.in_place import seal_in_place
from export_pipelines.artifacts.sealing.store import SealedStore, sealed_store

__all__ = [
    "LEAD_INDEX",
    "DataKeys",
    "MasterKey",
    "MasterKeys",
    "SealedStore",
    "WrappedKey",
    "seal_in_place",
    "sealed_store",
]
