"""Files that only their recipients can open: each is encrypted once for a delivery, and sent by any kind of destination."""

from export_pipelines.delivery.encryption.destination import Encrypted, encrypted
from export_pipelines.delivery.encryption.staging import Unused, discard_encrypted, sweep_encrypted

__all__ = ["Encrypted", "Unused", "discard_encrypted", "encrypted", "sweep_encrypted"]
