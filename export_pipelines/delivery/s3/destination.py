"""Delivers an artifact into an S3 bucket: whole objects under their final keys, the manifest last."""

import logging
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import S3Settings
from export_pipelines.definition.destinations.encryption import SUFFIXES
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines.delivery.artifact import Artifact, manifest_name
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.file_set import PREFIX, bring, digests_of, first_version
from export_pipelines.delivery.places import place_of, words_of
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.removal import Placing, Removal, all_left, remove_files
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.s3.file_set import BucketSet, abort_uploads, kept_manifest
from export_pipelines.delivery.sessions import Sessions
from export_pipelines.s3 import Access, Bucket, Upload, object_options, open_bucket, require_openable
from export_pipelines.templates import check_template, fixed_folder, render

log = logging.getLogger(__name__)

WHERE = "deliver.s3"


class AccessSettings(Protocol):
    """What settings say of how a bucket is reached."""

    @property
    def endpoint_url(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def ca(self) -> str | None: ...


def open_from(settings: S3Settings, resources: Resources) -> "S3":
    access = access_of(settings, resources, WHERE)
    access = replace(access, checksums=settings.checksums, timeout_s=settings.timeout_s)
    return S3(settings, access, resources.sessions)


def access_of(settings: AccessSettings, resources: Resources, where: str) -> Access:
    """With the secrets that the settings name. Raises SettingsError."""

    def secret(name: str) -> str | None:
        named = getattr(settings, name)
        return resources.secret(named, f"{where}.{name}") if named else None

    return Access(
        endpoint_url=settings.endpoint_url,
        region=settings.region,
        access_key=secret("access_key"),
        secret_key=secret("secret_key"),
        session_token=secret("session_token"),
        ca=str(resources.path(settings.ca, f"{where}.ca")) if settings.ca else None,
        client=resources.s3_client,
    )


class S3:
    """`overwrite`: `replace` the set that is there, `never` (also what comes in between), or `version`: `<folder>_v2`,
    `_v3`, ... beside it."""

    kind = "s3"
    capabilities = Capabilities(atomic=True, recognises=True)

    def __init__(self, settings: S3Settings, access: Access, sessions: Sessions) -> None:
        check_template(settings.key, settings.words)
        require_openable(settings.bucket, access)
        self.settings, self.access, self.sessions = settings, access, sessions

    @cached_property
    def bucket(self) -> Bucket:
        name, access = self.settings.bucket, self.access
        return self.sessions.client((self.kind, name, access), lambda: open_bucket(name, access))

    def target(self, manifest: Manifest) -> str:
        return self.bucket.url(f"{self._folder(manifest)}/".lstrip("/"))

    def check(self) -> None:
        """Begins an upload and gives it up: it needs keys, bucket and right, and shows nothing."""
        fixed = fixed_folder(self.settings.key.rpartition("/")[0])
        prefix = f"{fixed}/{PREFIX}check".lstrip("/")
        for _ in self.bucket.list(prefix):
            break
        Upload(self.bucket, prefix, object_options(self.settings, "text/plain")).rehearse()

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        def send_into(folder: str) -> Receipt | None:
            return self._send_into(folder, artifact, journal)

        return first_version(self._folder(artifact.manifest), send_into)

    def _send_into(self, folder: str, artifact: Artifact, journal: Journal) -> Receipt | None:
        """The receipt, or None when another set is there and this one belongs beside it."""
        file_set = BucketSet(
            self.bucket,
            f"{folder}/".lstrip("/"),
            artifact,
            names=(*self.names(artifact.manifest), *(file.name for file in artifact.manifest.recipe_files)),
            options=object_options(self.settings, artifact.media_type),
            manifest=self.settings.manifest,
            only_new=self.settings.overwrite != "replace",
        )
        if not bring(file_set, self.settings.overwrite, journal):
            return None
        log.debug(
            "files are there", extra={"artifact": artifact.manifest.artifact, "files": len(file_set.wanted)}
        )
        proofs = ", ".join(f"{count} by {how}" for how, count in sorted(file_set.proofs.items()))
        details = {"objects proven": proofs}
        return receipt_of(
            artifact,
            self.kind,
            file_set.where,
            file_set.wanted,
            details,
            file_set.manifest_sha256,
            digests_of(file_set.wanted),
        )

    def remove(self, placing: Placing) -> Removal:
        """Also older versions of an object, where the bucket keeps them and lets us."""
        root, digests = self.bucket.url(), placing.files
        if not placing.place.startswith(root):
            return all_left(digests, "the place is in another bucket than the export names")
        folder = placing.place.removeprefix(root)

        def digest_there(name: str) -> str | None:
            return self.bucket.digest_kept(folder + name, digests[name])

        def remove(name: str) -> None:
            self.bucket.remove_content(folder + name, digests[name])

        def unfinished() -> list[str]:
            names = abort_uploads(self.bucket, folder, digests)
            kept, own = kept_manifest(placing.export, placing.window_key), manifest_name(placing.export)
            if own in digests and self.bucket.digest_kept(folder + kept, digests[own]) == digests[own]:
                self.bucket.remove_content(folder + kept, digests[own])
                names.append(kept)
            return names

        return remove_files(digests, digest_there, remove, unfinished)

    def _folder(self, manifest: Manifest) -> str:
        folder = self.settings.key.rpartition("/")[0]
        return place_of(folder, words_of(manifest), f"{WHERE}.key") if folder else ""

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        """As the key says, else the parts' own."""
        template = self.settings.key.rpartition("/")[2]
        if not template:
            return manifest.part_names
        extension = FORMATS[manifest.format].extension + CODECS[manifest.codec].suffix
        words = {**words_of(manifest), "ext": extension}
        suffix = SUFFIXES[manifest.encryption.method] if manifest.encryption else ""
        return tuple(
            render(template, {**words, "part": str(number)}) + suffix
            for number in range(1, len(manifest.parts) + 1)
        )
