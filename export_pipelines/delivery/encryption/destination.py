"""A destination that gets encrypted files: the same as without encryption, with other files in the artifact."""

import hashlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from export_pipelines.artifacts import DeliveredEncryption, Manifest, ManifestColumn, Part
from export_pipelines.definition.destinations import DestinationSettings, Encryption
from export_pipelines.definition.destinations.encryption import SUFFIXES
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import (
    ENCRYPTED,
    ENCRYPTED_BEGUN,
    OF_ENCRYPTION,
    Destination,
    Journal,
)
from export_pipelines.delivery.encryption.age import Age
from export_pipelines.delivery.encryption.cipher import Cipher, Keys, Session
from export_pipelines.delivery.encryption.pgp import Pgp
from export_pipelines.delivery.encryption.staging import (
    FOLDER,
    EncryptedFile,
    Encryptions,
    Staging,
    staging_errors,
)
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import Uncertain
from export_pipelines.files.private import make_folder


def encrypted(destination: Destination, settings: DestinationSettings, resources: Resources) -> Destination:
    """`destination`, with encryption where its settings say so. Raises RequestError for a key that nothing can be
    encrypted to, SettingsError for a file, passphrase or program that is not there."""
    if settings.file_encryption is None:
        return destination
    home = resources.settings.home
    cipher = cipher_of(settings.file_encryption, resources, f"deliver.{settings.kind}")
    with _opened(cipher, home):
        return Encrypted(destination, cipher, home)


def cipher_of(encryption: Encryption, resources: Resources, where: str) -> Cipher:
    """Raises SettingsError for a file or passphrase that is not there."""
    if encryption.method == "age":
        return Age(encryption.age, where)
    place, sign, passphrase = f"{where}.encrypt", encryption.sign, encryption.passphrase
    return Pgp(
        {path: resources.file(path, f"{place}.pgp") for path in encryption.pgp},
        where,
        (sign, resources.file(sign, f"{place}.sign")) if sign else None,
        resources.secret(passphrase, f"{place}.passphrase") if passphrase else None,
    )


class Encrypted:
    """Encrypts every file, once for a delivery, and has `destination` send the files; the manifest stays readable and
    lists what is delivered. Every attempt checks the keys again."""

    def __init__(self, destination: Destination, cipher: Cipher, home: Path) -> None:
        self.destination, self.cipher, self.home = destination, cipher, home
        self.kind, self.capabilities = destination.kind, destination.capabilities

    def target(self, manifest: Manifest) -> str:
        return self.destination.target(manifest)

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return self.destination.names(manifest)

    def check(self) -> None:
        self.destination.check()

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        staging = Staging.of(self.home, journal.key)
        with _opened(self.cipher, self.home) as session:
            encryptions = self._encryptions(artifact, journal, staging, session)
            keys = session.keys
        manifest = delivered_manifest(artifact.manifest, encryptions, self.cipher, keys)
        receipt = self.destination.send(
            replace(artifact, manifest=manifest, store=staging), _JournalOf(journal, encryptions.id)
        )
        return receipt.model_copy(
            update={"details": {**receipt.details, **_details(artifact, self.cipher, keys)}}
        )

    def _encryptions(
        self, artifact: Artifact, journal: Journal, staging: Staging, session: Session
    ) -> Encryptions:
        """What an earlier attempt encrypted with the same keys, where it is all there; else encrypted now."""
        before = Encryptions.read(journal.proof(ENCRYPTED))
        if before and before.keys == session.keys.digest and staging.holds(before):
            return before
        if before and journal.proof(ENCRYPTED_BEGUN) == before.id and not self.capabilities.recognises:
            raise Uncertain(
                "an attempt handed over some of its encrypted files, and the others are no longer here, or the keys "
                "changed: the recipient would get files of two attempts",
                where=f"deliver.{self.kind}",
                remedy="ask the recipient; to send all of it anew: export-pipelines deliver ARTIFACT --again",
            )
        staging.clear()
        encryptions = staging.encrypt(artifact, session, SUFFIXES[self.cipher.method])
        journal.done(ENCRYPTED, encryptions.model_dump_json())
        return encryptions


def delivered_manifest(manifest: Manifest, encryptions: Encryptions, cipher: Cipher, keys: Keys) -> Manifest:
    """The manifest of the encrypted files: names, sizes and digests are of what is delivered, and each part says what it
    is once it is opened. It is readable to whoever carries the files, so it states nothing of their values."""
    files = {file.plain: file for file in encryptions.files}

    def encrypted_files(plain: Iterable[Part]) -> tuple[Part, ...]:
        return tuple(_encrypted_file(part, files[part.name]) for part in plain)

    parts = encrypted_files(manifest.parts)
    encryption = DeliveredEncryption(method=cipher.method, recipients=keys.recipients, signed_by=keys.signer)
    total = sum(part.bytes for part in parts)
    columns = tuple(
        ManifestColumn.model_validate(column.model_dump(exclude_unset=True, exclude={"statistics"}))
        for column in manifest.columns
    )
    changes = {"parts": parts, "bytes": total, "encryption": encryption, "columns": columns}
    if manifest.recipe_files:
        changes["recipe_files"] = encrypted_files(manifest.recipe_files)
    return manifest.model_copy(update=changes)


def _encrypted_file(part: Part, file: EncryptedFile) -> Part:
    content = part.model_dump(exclude_unset=True)
    content = {name: value for name, value in content.items() if not name.startswith("sealed_")}
    content |= {"name": file.name, "bytes": file.bytes, "sha256": file.sha256}
    content |= {"plain_name": part.name, "plain_bytes": part.bytes, "plain_sha256": part.sha256}
    return Part.model_validate(content)


def _details(artifact: Artifact, cipher: Cipher, keys: Keys) -> dict[str, str]:
    """What a receipt says besides: who can open the files, and the artifact's own manifest."""
    plain = artifact.manifest.model_copy(update={"recipe_files": ()})
    said = {
        "encrypted": cipher.method,
        "encrypted to": ", ".join(keys.recipients),
        "plain manifest sha256": hashlib.sha256(plain.to_json()).hexdigest(),
    }
    return {**said, "signed by": keys.signer} if keys.signer else said


@contextmanager
def _opened(cipher: Cipher, home: Path) -> Iterator[Session]:
    """The cipher with its keys checked, in a private folder that is gone afterwards."""
    with staging_errors(home / FOLDER):
        make_folder(home / FOLDER)
        with (
            tempfile.TemporaryDirectory(prefix="keys-", dir=home / FOLDER) as folder,
            cipher.opened(Path(folder)) as session,
        ):
            yield session


@dataclass(frozen=True)
class _JournalOf:
    """The journal of a delivery for one encryption of its files: what was handed over of another counts as other things,
    under other keys, since its bytes differ."""

    journal: Journal
    encryption: str

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.journal.key} {self.encryption}".encode()).hexdigest()[:32]

    def state(self, item: str) -> Literal["handing", "done"] | None:
        return self.journal.state(self._item(item))

    def proof(self, item: str) -> str:
        return self.journal.proof(self._item(item))

    def handing(self, item: str) -> None:
        self.journal.done(ENCRYPTED_BEGUN, self.encryption)
        self.journal.handing(self._item(item))

    def done(self, item: str, proof: str = "") -> None:
        self.journal.done(self._item(item), proof)

    def not_taken(self, item: str) -> None:
        self.journal.not_taken(self._item(item))

    def placing(self, place: str, export: str, files: Mapping[str, str]) -> None:
        self.journal.placing(place, export, files)

    def placed(self, place: str) -> Collection[tuple[str, str, str]]:
        return self.journal.placed(place)

    def _item(self, item: str) -> str:
        return f"{item}{OF_ENCRYPTION}{self.encryption[:16]}"
