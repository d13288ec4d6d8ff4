"""One artifact's objects in a folder of a bucket: what stands there, uploads that show nothing until the exchange."""

import hashlib
import shutil
from collections.abc import Iterator
from functools import cached_property

from export_pipelines.delivery.artifact import BLOCK_BYTES, MANIFEST_SUFFIX, Artifact
from export_pipelines.delivery.file_set import PREFIX, CameBetween, manifest_name_of, names_in
from export_pipelines.s3 import PIECE_BYTES, Bucket, Options, Upload, abort_quietly


class BucketSet:
    """The files of `artifact` as `names` in `folder`, a prefix that ends with a slash or is empty.

    The delivered manifest lists the parts by these names. Without `manifest`, its own are known by the digest that
    each object says of itself. `only_new`: nothing is replaced, not even what came there a moment before.
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
        self.bucket, self.folder, self.artifact, self.names = bucket, folder, artifact, names
        self.where, self.options, self.only_new = bucket.url(folder), options, only_new
        # read by every later delivery, so it lies in no archive
        self._readable = {name: value for name, value in options.items() if name != "StorageClass"}
        self.own_manifest = manifest_name_of(artifact, names)
        self.manifest_name = self.own_manifest if manifest else None
        self._parts = dict(zip(names, artifact.manifest.parts, strict=True))
        listed = tuple(part.model_copy(update={"name": name}) for name, part in self._parts.items())
        self._data = artifact.manifest.model_copy(update={"parts": listed}).to_json()
        self._replaced = f"{PREFIX}{artifact.manifest.export}~{artifact.manifest.window.key}~replaced"
        self._there = {one.key.removeprefix(folder): one.size for one in bucket.list(folder, below=False)}

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self._data).hexdigest()

    def holds_it(self) -> bool:
        if self.manifest_name and self._read(self.manifest_name) != self._data:
            return False
        return self._standing.issuperset(self.names) and self._replaced not in self._there

    def taken(self) -> str | None:
        if self.manifest_name and self._read(self.manifest_name) not in (None, self._data):
            return self.manifest_name
        return next((one for one in self.names if one in self._there and one not in self._standing), None)

    def manifests(self) -> Iterator[tuple[str, bytes]]:
        for name in self._there:
            data = self._read(name) if name.endswith(MANIFEST_SUFFIX) else None
            if data is not None:
                yield name, data

    def put(self) -> None:
        """Sends every part that is not there, then shows them; between the two there is no manifest."""
        self._sweep()
        missing = [name for name in self.names if name not in self._standing]
        uploads: dict[str, Upload] = {}
        try:
            for name in missing:
                if self._parts[name].bytes > PIECE_BYTES:
                    uploads[name] = self._upload(name)
                    uploads[name].stand()
                else:
                    self.artifact.prove(self._parts[name])  # sent in one request, when its turn comes
            self._exchange(missing, uploads)
        finally:
            for upload in uploads.values():
                abort_quietly(upload)

    def _upload(self, name: str) -> Upload:
        part = self._parts[name]
        upload = Upload(self.bucket, self.folder + name, self.options, part.sha256)
        try:
            with self.artifact.open(part) as source:
                shutil.copyfileobj(source, upload, BLOCK_BYTES)
        except BaseException:
            abort_quietly(upload)
            raise
        return upload

    def _exchange(self, missing: list[str], uploads: dict[str, Upload]) -> None:
        stale, shown = self._retire(), list[str]()
        for name in missing:
            upload = uploads.get(name) or self._upload(name)
            if not upload.complete(self.only_new):
                raise self._came_between(name, shown)
            if upload.created:
                shown.append(name)
        for name in sorted(stale):
            self.bucket.remove(self.folder + name)
        if self.manifest_name:
            options = {**self._readable, "ContentType": "application/json"}
            if not self.bucket.put(self.folder + self.manifest_name, self._data, options, self.only_new):
                raise self._came_between(self.manifest_name, shown)
        self.bucket.remove(self.folder + self._replaced)

    def _retire(self) -> set[str]:
        """Takes the old manifest away, kept until the end under another key; returns what only it and its like list."""
        before = self._read(self.own_manifest)
        stale = names_in(before) | names_in(self._read(self._replaced))
        if before is not None:
            if before != self._data:
                self.bucket.put(self.folder + self._replaced, before, self._readable)
            self.bucket.remove(self.folder + self.own_manifest)
        return stale.difference(self.names)

    def _came_between(self, name: str, shown: list[str]) -> CameBetween:
        for one in shown:
            self.bucket.remove(self.folder + one)
        return CameBetween(name, self.where)

    def _sweep(self) -> None:
        """Gives up uploads of these files that killed attempts began."""
        own = {self.folder + name for name in (*self.names, *names_in(self._read(self.own_manifest)))}
        for one in self.bucket.uploads(self.folder):
            if one.key in own:
                self.bucket.abort(one.key, one.upload)

    @cached_property
    def _standing(self) -> frozenset[str]:
        """Which parts were there when this one looked; each is asked for once."""
        return frozenset(filter(self._stands, self.names))

    def _stands(self, name: str) -> bool:
        part = self._parts[name]
        if self._there.get(name) != part.bytes:
            return False
        found = self.bucket.head(self.folder + name)
        return found is not None and (found.size, found.sha256) == (part.bytes, part.sha256)

    def _read(self, name: str) -> bytes | None:
        return self.bucket.read(self.folder + name) if name in self._there else None
