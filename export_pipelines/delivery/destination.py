"""What a destination owes: it gets a finished artifact, never rows, and gives a receipt."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.receipt import Receipt

# Items of a journal that say how a delivery is made; every other one is something that was handed over.
ENCRYPTED, ENCRYPTED_BEGUN, RECIPES, LIMIT = (
    "encrypted files",
    "encrypted files handed over",
    "recipes",
    "limit",
)
NOTES = frozenset({ENCRYPTED, ENCRYPTED_BEGUN, RECIPES, LIMIT})
OF_ENCRYPTION = " of "  # between an item and the encryption that it is of


@dataclass(frozen=True)
class Capabilities:
    """What a kind of destination can do, as data.

    `max_bytes`: the largest artifact it takes, None for any. `atomic`: a reader never sees a part that is not
    whole. `resumable`: a broken transfer goes on where it broke off. `recognises`: it can tell by itself that this
    very artifact is there already, so that a killed attempt is simply made again. `many_files`: each part arrives
    as a file of its own. `scripts`: a file that
    a program runs gets through under its own name.
    """

    max_bytes: int | None = None
    atomic: bool = False
    resumable: bool = False
    recognises: bool = False
    many_files: bool = True
    scripts: bool = True


class HandOvers(Protocol):
    """What an attempt writes down on its way, durable before the call returns, for the attempt that comes after it.

    A destination that cannot ask the other side what arrived (mail) says `handing` before each thing that it hands
    over and `done` after; killed in between, the next attempt reads `handing` and knows that it cannot know.

    key:     of this delivery, 32 hexadecimal digits, the same in every attempt: idempotency key, Message-ID.
    state:   what was last said of `item`, None when nothing was.
    proof:   what `done` said of `item`.
    not_taken: the other side said no to what was being handed: as if nothing had been said.
    """

    @property
    def key(self) -> str: ...

    def state(self, item: str) -> Literal["handing", "done"] | None: ...

    def proof(self, item: str) -> str: ...

    def handing(self, item: str) -> None: ...

    def done(self, item: str, proof: str = "") -> None: ...

    def not_taken(self, item: str) -> None: ...


class Journal(HandOvers, Protocol):
    """The same, and what every delivery of the ledger put where others put files too, so that no other file is replaced.

    placing: files of `export`, name -> SHA-256, are about to stand at a place; durable before the call returns.
    placed:  name, SHA-256 and export of every file that was ever placed there.
    """

    def placing(self, place: str, export: str, files: Mapping[str, str]) -> None: ...

    def placed(self, place: str) -> Collection[tuple[str, str, str]]: ...


class Destination(Protocol):
    """One entry of `deliver:`, ready to be given artifacts. Making it opens nothing.

    - It sees the manifest and reads parts with `Artifact.open`, each from byte 0 and as often as it likes; so
      trying again is the same call again, and no destination retries by itself.
    - Every byte it copies was held against the manifest: `Artifact.open` raises DamagedArtifact at a part's end when
      size or SHA-256 differ, so a part gets its final name only after its last byte was read.
    - Atomic: what a reader can see under a final name is whole; the manifest comes last and tells a whole set.
      Killed in between it leaves only temporary files of its own, known by their prefix, which the next
      delivery there removes.
    - Sending the same artifact twice gives the same bytes and no second copy, as far as `capabilities` say.
    - RequestError for what the person must mend, RetryableError for what may pass (with `after_s` when the other
      side said so), Uncertain when the other side may have it and cannot be asked, FatalError for the rest. No text
      holds a secret or the answer of a server that may quote one. Foreign exceptions stop in the destination's file.

    target: where the artifact will go, readable, without a secret; RequestError when that place is refused.
    names:  of the parts where they arrive, in their order; of encrypted ones, once they are opened.
    check:  connects, authenticates and proves the right to write, and leaves nothing behind.
    send:   brings the artifact there.
    """

    kind: str
    capabilities: Capabilities

    def target(self, manifest: Manifest) -> str: ...

    def names(self, manifest: Manifest) -> tuple[str, ...]: ...

    def check(self) -> None: ...

    def send(self, artifact: Artifact, journal: Journal) -> Receipt: ...
