"""What a destination owes: it gets a finished artifact, never rows, and gives a receipt."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.delivery.receipt import Receipt


@dataclass(frozen=True)
class Capabilities:
    """What a kind of destination can do, as data.

    `max_bytes`: the largest artifact it takes, None for any. `atomic`: a reader never sees a part that is not
    whole. `replaces`: a new set takes the place of the old one. `remembers`: it can tell by itself that this
    very artifact is already there, so that delivering twice is harmless.
    """

    max_bytes: int | None = None
    atomic: bool = False
    replaces: bool = False
    remembers: bool = False


class Destination(Protocol):
    """One entry of `deliver:`, ready to be given artifacts.

    - It sees the manifest and reads parts with `store.open`, each from byte 0 and as often as it likes; so
      trying again is the same call again, and no destination retries by itself.
    - While it copies, it holds every byte against the manifest: size and SHA-256. DamagedArtifact, and nothing
      delivered, when they differ.
    - Atomic: what a reader can see under a final name is whole; the manifest comes last and tells a whole set.
      Killed in between it leaves only temporary files of its own, known by their prefix, which the next
      delivery there removes.
    - Delivering the same artifact twice gives the same bytes and no second copy.
    - RequestError for what the person must mend, RetryableError for what may pass, FatalError for the rest.

    target:  where the artifact will go, readable, without a secret; RequestError when that place is refused.
    deliver: brings it there; `at` is the time for the receipt.
    """

    kind: str
    capabilities: Capabilities

    def target(self, manifest: Manifest, store: Store) -> str: ...

    def deliver(self, manifest: Manifest, store: Store, at: datetime) -> Receipt: ...
