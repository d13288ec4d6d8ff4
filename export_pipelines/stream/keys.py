"""The secrets that masks need. Lives beside the plan, never in it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keys:
    """Raw key material; `hash_key` for HMAC-SHA-256, `master_key` for reversible tokens. Prints neither."""

    hash_key: bytes | None = field(default=None, repr=False)
    master_key: bytes | None = field(default=None, repr=False)
