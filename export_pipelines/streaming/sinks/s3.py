"""Objects in a bucket: each row in exactly one of them, whatever is killed in between."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import cast

from export_pipelines.definition.stream import S3StreamSettings
from export_pipelines.errors import FatalError, RetryableError
from export_pipelines.plan.plan import Plan
from export_pipelines.s3 import (
    Access,
    Bucket,
    Options,
    Upload,
    abort_quietly,
    open_bucket,
    require_openable,
)
from export_pipelines.streaming.sink import Envelope, Intend, Intention, Sent, Shown
from export_pipelines.streaming.sinks.objects import (
    MANIFEST,
    ObjectIntention,
    OpenObject,
    folder_of,
    key_of,
    manifest_of,
    media_type_of,
)
from export_pipelines.templates import fixed_folder

log = logging.getLogger(__name__)


class S3Sink:
    """A batch is one object, whose key holds the sequence of its first row. It is put only where nothing is; so of all
    attempts at a place in the stream one succeeds at most, however late its request arrives.

    All attempts at one sequence go to the key of the first, also in a later hour: `resolve` brings the intentions of those
    before, and a commit that fails is remembered.
    """

    def __init__(self, plan: Plan, settings: S3StreamSettings, envelope: Envelope, access: Access) -> None:
        require_openable(settings.bucket, access)
        self.plan, self.settings, self.envelope, self.access = plan, settings, envelope, access
        self._open: OpenObject | None = None
        self._tried: Mapping[int, str] = {}  # keys by first sequence

    @cached_property
    def bucket(self) -> Bucket:
        return open_bucket(self.settings.bucket, self.access)

    @property
    def _options(self) -> Options:
        return {"ContentType": media_type_of(self.settings)}

    def check(self) -> None:
        """Begins an upload and gives it up: it needs keys, bucket and right, and shows nothing."""
        prefix = f"{fixed_folder(self.settings.key)}/.check".lstrip("/")
        for _ in self.bucket.list(prefix):
            break
        Upload(self.bucket, prefix, self._options).rehearse()

    def add(self, rows: Shown) -> None:
        if not len(rows.frame):
            return
        if self._open is None:
            self._open = OpenObject(self.plan, self.settings, self.envelope, rows)
        else:
            self._open.add(rows)

    @property
    def is_full(self) -> bool:
        """At `bytes` of the finished size; the rows that were added last may take it beyond."""
        return self._open is not None and self._open.size >= self.settings.bytes

    def commit(self, intend: Intend) -> Sent:
        batch, self._open = self._open, None
        if batch is None:
            return Sent(0, 0)
        tried = self._tried.get(batch.first)
        key = tried or key_of(self.settings, self._stream, batch.at, batch.first)
        self._tried = {batch.first: key}
        intention = batch.finish(key)
        intend(cast("Intention", intention))
        self._put(intention, batch.pieces(), is_first=tried is None)
        self._tried = {}
        return Sent(batch.rows, batch.size, place=key, sha256=intention["sha256"])

    def _put(self, intention: ObjectIntention, pieces: Iterator[bytearray], is_first: bool) -> None:
        upload = Upload(self.bucket, intention["key"], self._options, intention["sha256"])
        try:
            for piece in pieces:
                upload.write(piece)
            if not upload.complete(only_new=True):
                raise self._other(intention["key"], is_first)
            upload.prove()
        except BaseException:
            abort_quietly(upload)
            raise

    def _other(self, key: str, is_first: bool) -> FatalError | RetryableError:
        where = self.bucket.url(key)
        if is_first:
            return FatalError(
                "an object of another stream is there already",
                where=where,
                remedy="give the stream a folder of its own by `key`, or remove the object",
            )
        return RetryableError("an earlier attempt at these rows has arrived meanwhile", where=where)

    def drop(self) -> None:
        self._open = None

    def resolve(self, intentions: Sequence[Intention]) -> Intention | None:
        """Raises FatalError where an object has the place of the intentions and is none of them."""
        expected = cast("Sequence[ObjectIntention]", intentions)
        self._tried = {entry["first"]: entry["key"] for entry in reversed(expected)}
        for key in dict.fromkeys(entry["key"] for entry in expected):
            stored = self.bucket.head(key)
            if stored is None:
                self._sweep(key)
                continue
            for entry, intention in zip(expected, intentions, strict=True):
                if (entry["key"], entry["sha256"]) == (key, stored.sha256) and self._is_whole(entry):
                    self._tried = {}
                    return intention
            if self.bucket.head(key) is not None:
                raise self._other(key, is_first=True)
        return None

    def _is_whole(self, entry: ObjectIntention) -> bool:
        """Whether the object has the bytes that were intended; a damaged one, which no commit has proved, is removed."""
        if self.bucket.digest(entry["key"]) == entry["sha256"]:
            return True
        log.warning("a damaged object is removed, its rows come again", extra={"key": entry["key"]})
        self.bucket.remove(entry["key"])
        return False

    def _sweep(self, key: str) -> None:
        """Gives up uploads that killed commits began."""
        for upload in self.bucket.uploads(key):
            if upload.key == key:
                self.bucket.abort(upload.key, upload.upload)

    def put_manifest(self, folder: str, objects: Sequence[Intention]) -> None:
        """Puts the manifest of a folder that is over, with all `objects` in it: the intentions that did arrive. Does nothing
        where an equal one is there. Raises FatalError where another one is."""
        data, key = manifest_of(self._stream, folder, objects), f"{folder}{self._stream}-{MANIFEST}"
        if not self.bucket.put(key, data, {"ContentType": "application/json"}, only_new=True):
            raise FatalError(
                "another manifest is there already, with other objects",
                where=self.bucket.url(key),
                remedy="compare it with the objects beside it, then remove it",
            )

    def folder_at(self, at: datetime) -> str:
        """The folder of objects whose rows are found at a time."""
        return folder_of({"key": key_of(self.settings, self._stream, at, 0)})

    @property
    def _stream(self) -> str:
        return self.envelope.stream or self.envelope.export

    @staticmethod
    def folder_of(intention: Intention) -> str:
        """The folder of an intention's object."""
        return folder_of(intention)

    def close(self) -> None:
        bucket = self.__dict__.pop("bucket", None)
        if bucket is not None and not self.access.is_client_given:
            bucket.client.close()
