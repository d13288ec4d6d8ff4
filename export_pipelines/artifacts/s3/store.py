"""Artifacts in a bucket: `<prefix><export>/<window key>/<token>/` with parts and manifest.json."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from export_pipelines.artifacts.folder.names import (
    artifact_id,
    check_part_name,
    is_artifact_id,
    unknown_artifact,
)
from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import MANIFEST_NAME, RERUN, Manifest
from export_pipelines.artifacts.s3.staging import S3Amendment, S3Staging
from export_pipelines.artifacts.token import recency
from export_pipelines.definition.destinations import S3Settings
from export_pipelines.errors import DamagedArtifact, RequestError, SettingsError, unknown
from export_pipelines.s3 import (
    ARCHIVES,
    Access,
    Bucket,
    ClientOf,
    Options,
    StoredObject,
    object_options,
    open_bucket,
)

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import HoldLock

log = logging.getLogger(__name__)

# Longer than a part takes to be written: what has no manifest by then has no writer.
GRACE = timedelta(days=7)
READERS = 8
WHERE = "EXPORT_PIPELINES_STORE_URL"
ASKED = ("endpoint_url", "region", "ca", "checksums", "encryption", "kms_key", "storage_class")
REMEDY = "s3://bucket/prefix, or s3://bucket/prefix?endpoint_url=https://host&region=eu-west-1"


def s3_store(url: str, client: ClientOf | None = None, hold: "HoldLock | None" = None) -> "S3Store":
    """The store at `s3://bucket/prefix?endpoint_url=...`; keys come from where boto3 finds them, never from the URL.

    `client` is taken where the URL names a bucket and nothing else of S3.

    Raises SettingsError.
    """
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "@" in parts.netloc:
        raise SettingsError(
            "keys do not belong into the URL", where=WHERE, remedy="set AWS_ACCESS_KEY_ID and so on"
        )
    for name in asked:
        if name not in ASKED:
            raise SettingsError(unknown("setting", name, ASKED), where=WHERE, remedy=REMEDY)
    prefix = f"{parts.path.strip('/')}/".lstrip("/")
    try:
        settings = S3Settings.model_validate({"bucket": parts.netloc, "key": prefix or "-/", **asked})
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][0] if fault['loc'] else 'settings'}: {fault['msg']}" for fault in error.errors()
        )
        raise SettingsError(faults, where=WHERE, remedy=REMEDY) from None
    if settings.storage_class in ARCHIVES:
        raise SettingsError(
            f"what lies in {settings.storage_class} cannot be read at once, so it is no place for a store",
            where=WHERE,
            remedy="leave storage_class out, or take STANDARD_IA or GLACIER_IR",
        )
    access = Access(
        endpoint_url=settings.endpoint_url,
        region=settings.region,
        ca=settings.ca,
        checksums=settings.checksums,
        client=client,
    )
    bucket = open_bucket(settings.bucket, access)
    return S3Store(bucket, prefix, object_options(settings, "application/octet-stream"), hold=hold)


class S3Store:
    """A Store below `prefix`, which is empty or ends with a slash; see `store.Store` for what it owes.

    A bucket has no locks: what a killed run left is known by its age, GRACE by the clock `now`. Where all that is unfinished
    has to go, it is known by the lock that `hold` holds for each artifact that is being written.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        options: Options,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        hold: "HoldLock | None" = None,
    ) -> None:
        self.bucket, self.prefix, self.options, self.now = bucket, prefix, options, now
        self.hold = hold

    def begin(self, export: str, window_key: str, token: str) -> S3Staging:
        artifact = artifact_id(export, window_key, token)
        return S3Staging(self.bucket, self.prefix, artifact, self.options, self._writing(artifact))

    def amend(self, artifact: str) -> S3Amendment:
        self.manifest(artifact)
        return S3Amendment(self.bucket, self.prefix, artifact, self.options, self._writing(artifact))

    def artifacts(self, export: str | None = None, first: str = "", last: str | None = None) -> list[str]:
        prefix = f"{self.prefix}{export}/" if export else self.prefix
        # SeaweedFS leaves out all objects of a window after whose key itself it is to begin
        names = self._names(prefix, f"{prefix}{first[:-1]}" if export and first else "")
        windows = ((name, name.split("/")[1]) for name in names)
        return [name for name, window in windows if first <= window <= (last or window)]

    def listing(self, export: str | None = None) -> Listing:
        return self.read(self.artifacts(export))

    def read(self, artifacts: Iterable[str]) -> Listing:
        names, manifests, damaged = list(artifacts), list[Manifest](), {}
        with ThreadPoolExecutor(READERS) as readers:
            for artifact, read in zip(names, readers.map(self._try, names), strict=True):
                if isinstance(read, DamagedArtifact):
                    damaged[artifact] = read
                elif read is not None:
                    manifests.append(read)
        manifests.sort(key=lambda manifest: recency(manifest.artifact), reverse=True)
        return Listing(tuple(manifests), damaged)

    def manifests(self, export: str | None = None) -> list[Manifest]:
        return list(self.listing(export).manifests)

    def is_empty(self) -> bool:
        return not any(True for _ in self._names(self.prefix))

    def latest(self, export: str) -> Manifest | None:
        newest = sorted(self.artifacts(export), key=recency, reverse=True)
        return next((read for name in newest if isinstance(read := self._try(name), Manifest)), None)

    def manifest(self, artifact: str) -> Manifest:
        read = self._read(artifact) if is_artifact_id(artifact) else None
        if read is None:
            raise self._unknown(artifact)
        return read

    def files(self, artifact: str) -> dict[str, int]:
        sizes = self._files_of(artifact) if is_artifact_id(artifact) else {}
        if MANIFEST_NAME not in sizes:
            raise self._unknown(artifact)
        return {name: size for name, size in sizes.items() if name != MANIFEST_NAME}

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        if not is_artifact_id(artifact):
            raise self._unknown(artifact)
        try:
            return self.bucket.open(self._key(artifact, check_part_name(part_name)), start)
        except FileNotFoundError:
            raise DamagedArtifact(
                "the part is missing", where=f"{artifact}/{part_name}", remedy=RERUN
            ) from None

    open_stored = open

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        if not is_artifact_id(artifact):
            raise self._unknown(artifact)
        return self.bucket.presigned_url(self._key(artifact, check_part_name(part_name)), valid_s, headers)

    def remove(self, artifact: str) -> None:
        if not is_artifact_id(artifact):
            raise self._unknown(artifact)
        self.bucket.remove(self._key(artifact, MANIFEST_NAME))  # killed in between, the rest is debris
        for name in self._files_of(artifact):
            self.bucket.remove(self._key(artifact, name))
        log.debug("artifact removed", extra={"artifact": artifact})

    def sweep(self, export: str | None = None, all_unfinished: bool = False) -> list[str]:
        prefix = f"{self.prefix}{export}/" if export else self.prefix
        seen, committed = defaultdict[str, list[datetime]](list), set[str]()
        for entry in self.bucket.list(prefix):
            artifact, _, name = entry.key.removeprefix(self.prefix).rpartition("/")
            seen[artifact].append(entry.modified)
            if name == MANIFEST_NAME:
                committed.add(artifact)
        removed = {
            artifact
            for artifact, times in seen.items()
            if is_artifact_id(artifact)
            and artifact not in committed
            and self._remove_unfinished(artifact, max(times), all_unfinished)
        }
        for begun in list(self.bucket.uploads(prefix)):
            artifact = begun.key.removeprefix(self.prefix).rpartition("/")[0]
            if is_artifact_id(artifact) and self._abort(artifact, begun, all_unfinished):
                removed.add(artifact)
        log.debug("store swept", extra={"export": export, "removed": sorted(removed)})
        return sorted(removed)

    def _remove_unfinished(self, artifact: str, newest: datetime, all_unfinished: bool) -> bool:
        """Removes the objects of an artifact without a manifest, whose `newest` is of that time, unless its run lives."""
        with self._abandoned(artifact, newest, all_unfinished) as is_abandoned:
            names = self._files_of(artifact) if is_abandoned else {}
            if not names or MANIFEST_NAME in names:  # its writer has committed it since
                return False
            for name in names:
                self.bucket.remove(self._key(artifact, name))
        return True

    def _abort(self, artifact: str, begun: StoredObject, all_unfinished: bool) -> bool:
        with self._abandoned(artifact, begun.modified, all_unfinished) as is_abandoned:
            if is_abandoned:
                self.bucket.abort(begun.key, begun.upload)
        return is_abandoned

    @contextmanager
    def _abandoned(self, artifact: str, newest: datetime, all_unfinished: bool) -> Iterator[bool]:
        """Whether nobody writes the artifact any more."""
        if newest < self.now() - GRACE or not (all_unfinished and self.hold):
            yield newest < self.now() - GRACE
            return
        with self._writing(artifact) as is_free:
            yield is_free

    def _writing(self, artifact: str) -> AbstractContextManager[bool]:
        """The lock of an artifact that is being written."""
        return self.hold(f"write {artifact}") if self.hold else nullcontext(True)

    def holds(self, path: Path) -> bool:
        return False

    def location(self, artifact: str) -> str:
        return self.bucket.url(self._key(artifact, ""))

    def _key(self, artifact: str, name: str) -> str:
        return f"{self.prefix}{artifact}/{name}"

    def _files_of(self, artifact: str) -> dict[str, int]:
        prefix = self._key(artifact, "")
        return {entry.key.removeprefix(prefix): entry.size for entry in self.bucket.list(prefix)}

    def _names(self, prefix: str, after: str = "") -> Iterator[str]:
        """Of the artifacts below `prefix`."""
        for entry in self.bucket.list(prefix, after=after):
            artifact, _, name = entry.key.removeprefix(self.prefix).rpartition("/")
            if name == MANIFEST_NAME and is_artifact_id(artifact):
                yield artifact

    def _try(self, artifact: str) -> Manifest | DamagedArtifact | None:
        try:
            return self._read(artifact)
        except DamagedArtifact as error:
            return error

    def _read(self, artifact: str) -> Manifest | None:
        data = self.bucket.read(self._key(artifact, MANIFEST_NAME))
        return None if data is None else Manifest.of(artifact, data)

    def _unknown(self, artifact: str) -> RequestError:
        return unknown_artifact(artifact, self.artifacts(), self.bucket.url(self.prefix))
