"""What an OpenPGP key file holds, read from gpg's listing, and why nothing can be encrypted to a key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

PRIMARY, SUBKEY = ("pub", "sec"), ("sub", "ssb")
REVOKED, EXPIRED = "r", "e"
TYPE, VALIDITY, EXPIRES, FINGERPRINT, USES = (
    0,
    1,
    6,
    9,
    11,
)  # of the fields of a line, see doc/DETAILS of GnuPG
ANOTHER = "ask the recipient for the key that followed"


@dataclass
class PgpKey:
    """A primary key or a subkey. `uses` holds e where it encrypts and s where it signs, `expires` is empty for never."""

    is_private: bool
    validity: str
    expires: str
    uses: str
    fingerprint: str = ""
    subkeys: "list[PgpKey]" = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        return self.validity not in (REVOKED, EXPIRED, "i")

    @property
    def expiry(self) -> str:
        """ " on 2025-01-31", empty where it cannot be told."""
        if not self.expires.isdigit():
            return ""
        return f" on {datetime.fromtimestamp(int(self.expires), UTC):%Y-%m-%d}"


def keys_in(listing: str) -> list[PgpKey]:
    """The primary keys with their subkeys, from `gpg --with-colons --show-keys`."""
    keys: list[PgpKey] = []
    latest: PgpKey | None = None
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[TYPE] in PRIMARY + SUBKEY and len(fields) > USES:
            latest = PgpKey(fields[TYPE] in ("sec", "ssb"), fields[VALIDITY], fields[EXPIRES], fields[USES])
            if fields[TYPE] in PRIMARY:
                keys.append(latest)
            elif keys:
                keys[-1].subkeys.append(latest)
        elif fields[TYPE] == "fpr" and latest is not None and not latest.fingerprint:
            latest.fingerprint = fields[FINGERPRINT]
    return keys


def recipient_fault(keys: list[PgpKey]) -> tuple[str, str] | None:
    """What is wrong with a recipient's file and what to do about it; None where it can be encrypted to."""
    if not keys:
        return "there is no OpenPGP key in the file", "ask the recipient for: gpg --armor --export ADDRESS"
    if any(key.is_private for key in keys):
        return (
            "the file holds a private key",
            "ask the recipient for the public one, and to replace this one, which others have seen",
        )
    if len(keys) > 1:
        return f"there are {len(keys)} keys in the file", "name a file for each recipient, in a list"
    return _primary_fault(keys[0]) or next(_subkey_faults(keys[0]), None)


def signer_fault(keys: list[PgpKey]) -> tuple[str, str] | None:
    """The same of the file of our own key."""
    if len(keys) != 1 or not keys[0].is_private:
        return (
            "there is no private key in the file, or several",
            "write it with: gpg --export-secret-keys ADDRESS",
        )
    return _primary_fault(keys[0])


def _primary_fault(key: PgpKey) -> tuple[str, str] | None:
    if key.validity == REVOKED:
        return "the key was revoked", ANOTHER
    if key.validity == EXPIRED:
        return f"the key expired{key.expiry}", ANOTHER
    return None


def _subkey_faults(key: PgpKey) -> Iterator[tuple[str, str]]:
    """The one of its last subkey that encrypts, where none can be used."""
    encrypting = [each for each in (key, *key.subkeys) if "e" in each.uses]
    if any(each.is_valid for each in encrypting):
        return
    if not encrypting:
        yield "the key can sign and cannot encrypt", "ask the recipient for one with an encryption subkey"
        return
    last = encrypting[-1]
    what = "was revoked" if last.validity == REVOKED else f"expired{last.expiry}"
    yield f"the key's encryption subkey {what}", ANOTHER
