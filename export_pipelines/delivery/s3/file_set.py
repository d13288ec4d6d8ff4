"""One artifact's objects in a folder of a bucket: what stands there, uploads that show nothing until the exchange."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from export_pipelines.delivery.artifact import BLOCK_BYTES, Artifact
from export_pipelines.delivery.file_set import PREFIX, CameBetween, manifest_name_of, wanted_of
from export_pipelines.errors import ExportError
from export_pipelines.s3 import PIECE_BYTES, Bucket, Options, Proof, Upload, abort_quietly


class BucketSet:
    """The files of `artifact` as `names` in `folder`, a prefix that ends with a slash or is empty; a FileSet.

    The delivered manifest lists the files by these names. `only_new`: nothing is replaced, not even what came there a
    moment before. `proofs` counts how it became certain that the server has each object.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: str,
        artifact: Artifact,
        *,
        names: tuple[str, ...],
        options: Options,
        manifest: bool,
        only_new: bool,
    ) -> None:
        self.bucket, self.folder, self.artifact = bucket, folder, artifact
        self.where, self.export = bucket.url(folder), artifact.manifest.export
        self.options, self.only_new = options, only_new
        # read by every later delivery, so it lies in no archive
        self._readable = {name: value for name, value in options.items() if name != "StorageClass"}
        self.own_manifest = manifest_name_of(artifact, names)
        self._parts = dict(zip(names, artifact.files, strict=True))
        named = tuple(part.model_copy(update={"name": name}) for name, part in self._parts.items())
        listed = {"parts": named[: len(artifact.manifest.parts)]}
        self._data = artifact.manifest.model_copy(update=listed).to_json()
        self.wanted = wanted_of(artifact, names, self._data if manifest else None)
        self._replaced = kept_manifest(self.export, artifact.manifest.window.key)
        self.sizes = {
            entry.key.removeprefix(folder): entry.size for entry in bucket.list(folder, below=False)
        }
        self.proofs: Counter[Proof] = Counter()

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self._data).hexdigest()

    def read(self, name: str) -> bytes:
        return self.bucket.read(self.folder + name) or b""

    def digest(self, name: str) -> str:
        """What lies in an archive cannot be read back: then it is what the object says of itself."""
        stored = self.bucket.head(self.folder + name)
        if stored is not None and stored.is_archived:
            return stored.sha256
        self.proofs["reading back"] += 1
        return self.bucket.digest(self.folder + name)

    def said(self, name: str) -> str:
        stored = self.bucket.head(self.folder + name)
        return stored.sha256 if stored is not None and stored.sha256 else self.digest(name)

    def kept(self) -> bytes | None:
        return self.read(self._replaced) if self._replaced in self.sizes else None

    def put(self, missing: Collection[str], gone: Collection[str]) -> None:
        """Sends the parts, then shows them; between the two there is no manifest."""
        abort_uploads(self.bucket, self.folder, (*self._parts, *gone))
        parts, uploads = [name for name in missing if name in self._parts], dict[str, Upload]()
        try:
            for name in parts:
                if self._parts[name].bytes > PIECE_BYTES:
                    uploads[name] = self._upload(name)
                    uploads[name].stand()
                else:
                    self.artifact.prove(self._parts[name])  # sent in one request, when its turn comes
            self._exchange(parts, gone, uploads)
        finally:
            for upload in uploads.values():
                abort_quietly(upload)

    def tidy(self) -> None:
        with suppress(ExportError):
            self.bucket.remove(self.folder + self._replaced)

    def _upload(self, name: str) -> Upload:
        part = self._parts[name]
        options = {**self.options, "ContentType": self.artifact.media_type_of(part)}
        upload = Upload(self.bucket, self.folder + name, options, part.sha256)
        try:
            with self.artifact.open(part) as source:
                shutil.copyfileobj(source, upload, BLOCK_BYTES)
        except BaseException:
            abort_quietly(upload)
            raise
        return upload

    def _exchange(self, parts: Sequence[str], gone: Collection[str], uploads: Mapping[str, Upload]) -> None:
        self._retire()
        shown = list[str]()
        for name in parts:
            self._show(name, uploads.get(name) or self._upload(name), shown)
        for name in gone:
            self.bucket.remove(self.folder + name)
        if self.own_manifest in self.wanted:
            options = {**self._readable, "ContentType": "application/json"}
            manifest = Upload(self.bucket, self.folder + self.own_manifest, options, self.manifest_sha256)
            manifest.write(self._data)
            self._show(self.own_manifest, manifest, shown)

    def _show(self, name: str, upload: Upload, shown: list[str]) -> None:
        """Gives an object its final name, and looks at what the server then has; `shown` are those of this attempt."""
        if not upload.complete(self.only_new):
            raise self._came_between(name, shown)
        if upload.created:
            shown.append(name)
        try:
            self.proofs[upload.prove()] += 1
        except ExportError:
            for text in shown:
                self.bucket.remove(self.folder + text)
            raise

    def _retire(self) -> None:
        """Takes the old manifest away, kept until the end under another key."""
        if self.own_manifest not in self.sizes:
            return
        before = self.read(self.own_manifest)
        if before != self._data:
            self.bucket.put(self.folder + self._replaced, before, self._readable)
        self.bucket.remove(self.folder + self.own_manifest)

    def _came_between(self, name: str, shown: list[str]) -> CameBetween:
        for text in shown:
            self.bucket.remove(self.folder + text)
        return CameBetween(name, self.where)


def kept_manifest(export: str, window_key: str) -> str:
    """The name under which the manifest of the set before is kept while sets are exchanged."""
    return f"{PREFIX}{export}~{window_key}~replaced"


def abort_uploads(bucket: Bucket, folder: str, names: Iterable[str]) -> list[str]:
    """Gives up uploads of these files that killed attempts began; returns their names."""
    own, aborted = {folder + name for name in names}, list[str]()
    for upload in bucket.uploads(folder):
        if upload.key in own:
            bucket.abort(upload.key, upload.upload)
            aborted.append(upload.key.removeprefix(folder))
    return aborted
