"""An artifact in the making, in a bucket: parts stream into uploads, the manifest comes last."""

import logging
from contextlib import AbstractContextManager, ExitStack

from export_pipelines.artifacts.folder.names import check_part_name
from export_pipelines.artifacts.manifest import MANIFEST_NAME, Manifest
from export_pipelines.artifacts.staged import AbortedUnlessCommitted, require_whole, same_name
from export_pipelines.errors import RetryableError, StoreError
from export_pipelines.s3 import Bucket, Options, Upload

log = logging.getLogger(__name__)


class S3Part:
    """One object being written; `finish` makes it stand under its name."""

    def __init__(self, bucket: Bucket, key: str, options: Options) -> None:
        self._upload, self.finished = Upload(bucket, key, options), False

    def write(self, data: bytes) -> None:
        self._upload.write(data)

    def finish(self) -> None:
        self._upload.complete()
        self.finished = True
        self._upload.prove()

    def abort(self) -> None:
        self._upload.abort()


class _Writing(AbortedUnlessCommitted):
    """New parts of an artifact in a bucket, below `root`, while its lock is held by `writing`."""

    def __init__(
        self,
        bucket: Bucket,
        root: str,
        artifact: str,
        options: Options,
        writing: AbstractContextManager[bool],
    ) -> None:
        self.bucket, self.artifact, self.prefix = bucket, artifact, f"{root}{artifact}/"
        self.options, self._parts, self._open = options, dict[str, S3Part](), True
        self._require_place()
        self._lock = _lock_of(writing, artifact)

    def _require_place(self) -> None:
        """Raises StoreError where the artifact cannot be written."""

    def open_part(self, name: str) -> S3Part:
        if name in self._parts:
            raise same_name(name, self.artifact)
        log.debug("part opened", extra={"artifact": self.artifact, "part": name})
        self._parts[name] = part = S3Part(self.bucket, self.prefix + check_part_name(name), self.options)
        return part


class S3Staging(_Writing):
    """The Staging of a bucket's store; see `store.Staging` for what it owes."""

    _manifest_tried = False

    def _require_place(self) -> None:
        if any(True for _ in self.bucket.list(self.prefix)):
            raise StoreError("the artifact is already there: File exists", where=self.bucket.url(self.prefix))

    def commit(self, manifest: Manifest) -> Manifest:
        if not self._open:
            raise StoreError("the artifact is already committed or aborted", where=self.artifact)
        stored = {entry.key.removeprefix(self.prefix): entry.size for entry in self.bucket.list(self.prefix)}
        require_whole(
            manifest, self.artifact, {name: size for name, size in stored.items() if name in self._parts}
        )
        listed = {file.stored_name for file in manifest.files}
        for name, part in self._parts.items():
            if not part.finished:
                part.abort()
            elif name not in listed:
                self.bucket.remove(self.prefix + name)
        options = {**self.options, "ContentType": "application/json"}
        self._manifest_tried = True
        if not self.bucket.put(self.prefix + MANIFEST_NAME, manifest.to_json(), options, only_new=True):
            raise StoreError("another run committed the same artifact", where=self.artifact)
        self._open = False
        self._lock.close()
        log.debug("committed", extra={"artifact": self.artifact})
        return manifest

    def abort(self) -> None:
        if not self._open:
            return
        log.debug("removing an unfinished artifact", extra={"artifact": self.artifact})
        self._open = False
        with self._lock:
            # the manifest may be there though no answer came: without its parts it must not stay
            if self._manifest_tried:
                self.bucket.remove(self.prefix + MANIFEST_NAME)
            for name, part in self._parts.items():
                part.abort()
                if part.finished:
                    self.bucket.remove(self.prefix + name)


class S3Amendment(_Writing):
    """The same artifact with other files, in a bucket; see `store.Store.amend` for what it owes."""

    def commit(self, manifest: Manifest) -> Manifest:
        if not self._open:
            raise StoreError("the artifact is already committed or aborted", where=self.artifact)
        stored = {entry.key.removeprefix(self.prefix): entry.size for entry in self.bucket.list(self.prefix)}
        require_whole(manifest, self.artifact, stored)
        options = {**self.options, "ContentType": "application/json"}
        self.bucket.put(self.prefix + MANIFEST_NAME, manifest.to_json(), options)
        self._open = False
        with self._lock:
            for name in stored.keys() - {MANIFEST_NAME, *(file.stored_name for file in manifest.files)}:
                self.bucket.remove(self.prefix + name)
        log.debug("artifact amended", extra={"artifact": self.artifact})
        return manifest

    def abort(self) -> None:
        """An answer to the new manifest may have been lost: then its files have to stay."""
        if not self._open:
            return
        self._open = False
        with self._lock:
            listed = _listed(self.bucket.read(self.prefix + MANIFEST_NAME), self.artifact)
            for name, part in self._parts.items():
                if not part.finished:
                    part.abort()
                elif name not in listed:
                    self.bucket.remove(self.prefix + name)


def _lock_of(writing: AbstractContextManager[bool], artifact: str) -> ExitStack:
    """The lock of an artifact, taken until the stack is closed. Raises RetryableError while somebody else writes it."""
    with ExitStack() as stack:
        if not stack.enter_context(writing):
            raise RetryableError("another process is writing the artifact right now", where=artifact)
        return stack.pop_all()


def _listed(manifest: bytes | None, artifact: str) -> set[str]:
    return {file.stored_name for file in Manifest.of(artifact, manifest).files} if manifest else set()
