"""The secrets that masks need. Lives beside the plan, never in it."""

from dataclasses import dataclass, field
from typing import Self

from pydantic import SecretStr

from export_pipelines.settings import Settings


@dataclass(frozen=True)
class Keys:
    """Raw key material; `hash_key` for HMAC-SHA-256, `master_key` for reversible tokens. Prints neither."""

    hash_key: bytes | None = field(default=None, repr=False)
    master_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keys that the settings hold."""
        return cls(_raw(settings.hash_key), _raw(settings.master_key))


def _raw(secret: SecretStr | None) -> bytes | None:
    return secret.get_secret_value().encode() if secret else None
