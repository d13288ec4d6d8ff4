"""Sealing: artifacts encrypted at rest, each under a data key of its own."""

from export_pipelines.artifacts.sealing.data_keys import DataKeys, MasterKey, MasterKeys, WrappedKey
from export_pipelines.artifacts.sealing.store import SealedStore

__all__ = ["DataKeys", "MasterKey", "MasterKeys", "SealedStore", "WrappedKey"]
