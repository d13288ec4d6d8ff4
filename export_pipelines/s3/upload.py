"""One object written piece by piece, several pieces on the way at once, visible when it is whole and not before."""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.s3.bucket import MISSING, TAKEN, Bucket, Options, condition
from export_pipelines.s3.errors import code_of, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PIECE_BYTES = (
    8 << 20
)  # of the first thousand; of each thousand after as much more, for S3 takes 10,000 pieces
STEP = 1_000
Proof = Literal["the server's MD5", "reading back", "size alone, in an archive"]
THREADS = 8


class Upload:
    """Holds THREADS + 1 pieces in memory. An object of one piece is put at once, by `complete`.

    sha256:   what the object will say of itself, where it is known before.
    write:    the next bytes; returns as soon as they may wait in memory. A bytearray belongs to the upload then, which
              sends it uncopied where it is a whole piece.
    stand:    sends the rest and waits until every piece has arrived; still nothing can be seen.
    complete: makes the object visible under its key; False when `only_new` and another one is there.
    prove:    looks at what the server has then: its size, and its bytes by the server's MD5 or by reading them back. Raises
              RequestError for a server that stored something else, RetryableError where it may have been damaged.
    abort:    gives everything back; harmless after `complete`.
    created:  whether `complete` made it, as far as the answer told; an equal object may have been there already.
    """

    def __init__(self, bucket: Bucket, key: str, options: Options, sha256: str | None = None) -> None:
        self.bucket, self.key, self.sha256, self.size = bucket, key, sha256, 0
        self.created = False
        self.options = {**options, "Metadata": {"sha256": sha256}} if sha256 else options
        self._buffer, self._id, self._pieces = bytearray(), "", 0
        self._sums: dict[int, tuple[int, bytes]] = {}  # of each piece, its size and MD5
        self._sent: deque[Future[CompletedPartTypeDef]] = deque()
        self._arrived: list[CompletedPartTypeDef] = []
        self._pool: ThreadPoolExecutor | None = None

    def write(self, data: bytes | bytearray) -> None:
        left = memoryview(data)
        self.size += len(left)
        while left:
            most = PIECE_BYTES * (1 + self._pieces // STEP)
            if len(self._buffer) == most:  # and there is more: an object of one piece is not begun
                self._send_buffer()
            elif not self._buffer and isinstance(data, bytearray) and len(left) == len(data) <= most:
                self._buffer = data
                return
            else:
                taken = most - len(self._buffer)
                self._buffer += left[:taken]
                left = left[taken:]

    def stand(self) -> None:
        if self._id and self._buffer:
            self._send_buffer()
        while self._sent:
            self._arrived.append(self._sent.popleft().result())
        self._end_pool()

    def complete(self, only_new: bool = False) -> bool:
        if self._id:
            self.stand()
            created = self._complete(only_new)
        else:
            piece, self._buffer = self._buffer, bytearray()
            self._sums[1] = len(piece), _md5(piece)
            created = self.bucket.put(self.key, piece, self.options, only_new)
        self.created = created
        return created or (self.sha256 is not None and self._stands())

    def prove(self) -> Proof:
        where, stored = self.bucket.url(self.key), self.bucket.head(self.key)
        if stored is None:
            raise RetryableError("the object is gone, right after it was put there", where=where)
        if stored.size != self.size:
            raise RequestError(
                f"{self.size} bytes were sent, and the server has {stored.size}: it stores something else, perhaps the "
                "frames of the upload",
                where=where,
                remedy="say `checksums: when_required`, or ask who runs the server",
            )
        if stored.etag == self._etag():
            return "the server's MD5"
        if stored.is_archived:
            return "size alone, in an archive"
        if not self._reads_back():
            raise RetryableError("what the server has is not what was sent", where=where)
        return "reading back"

    def _etag(self) -> str:
        """What S3 says of an object that is not encrypted by a key of KMS: the MD5, or that of the pieces' MD5s."""
        sums = [self._sums[number][1] for number in sorted(self._sums)]
        return f"{_md5(b''.join(sums)).hex()}-{len(sums)}" if self._pieces else sums[0].hex()

    def _reads_back(self) -> bool:
        try:
            with self.bucket.open(self.key) as file:
                pieces = (self._sums[number] for number in sorted(self._sums))
                return all(_md5(file.read(size)) == md5 for size, md5 in pieces) and not file.read(1)
        except FileNotFoundError:
            return False

    def abort(self) -> None:
        self._buffer = bytearray()
        for future in self._sent:
            future.cancel()
        self._end_pool()
        self._sent.clear()
        if self._id:
            self.bucket.abort(self.key, self._id)
            self._id = ""

    def rehearse(self) -> None:
        """Begins and gives up: asks for all that a real one needs, and nothing can be seen. What a killed rehearsal left at the
        same key is given up, too."""
        for left in list(self.bucket.uploads(self.key)):
            if left.key == self.key:
                self.bucket.abort(left.key, left.upload)
        self._begin()
        self.abort()

    def _begin(self) -> ThreadPoolExecutor:
        with s3_errors(self.bucket.url(self.key)):
            begun = self.bucket.client.create_multipart_upload(
                Bucket=self.bucket.name, Key=self.key, **self.options
            )
        self._id = begun["UploadId"]
        return ThreadPoolExecutor(THREADS)

    def _send_buffer(self) -> None:
        piece, self._buffer = self._buffer, bytearray()
        self._pool = self._pool or self._begin()
        if len(self._sent) >= THREADS:
            self._arrived.append(self._sent.popleft().result())
        self._pieces += 1
        self._sent.append(self._pool.submit(self._put, self._pieces, piece))

    def _put(self, number: int, piece: bytearray) -> "CompletedPartTypeDef":
        self._sums[number] = len(piece), _md5(piece)
        with s3_errors(self.bucket.url(self.key)):
            answer = self.bucket.client.upload_part(
                Bucket=self.bucket.name,
                Key=self.key,
                UploadId=self._id,
                PartNumber=number,
                Body=piece,  # type: ignore[arg-type]  # boto3 takes a bytearray as it takes bytes
            )
        return {"ETag": answer["ETag"], "PartNumber": number}

    def _complete(self, only_new: bool) -> bool:
        from botocore.exceptions import ClientError

        with s3_errors(self.bucket.url(self.key)):
            try:
                self.bucket.client.complete_multipart_upload(
                    Bucket=self.bucket.name,
                    Key=self.key,
                    UploadId=self._id,
                    MultipartUpload={"Parts": self._arrived},
                    **condition(only_new),
                )
            except ClientError as error:
                if only_new and code_of(error) in TAKEN:
                    return False
                if code_of(error) not in ("NoSuchUpload", *MISSING):
                    raise
                lost = True  # it was completed and the answer was lost, or it was aborted
            else:
                lost = False
        self._id = ""
        if lost and not self._stands():
            raise RetryableError("the upload was given up by another hand", where=self.bucket.url(self.key))
        return True

    def _stands(self) -> bool:
        stored = self.bucket.head(self.key)
        return stored is not None and (stored.size, stored.sha256) == (self.size, self.sha256 or "")

    def _end_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def _md5(data: bytes | bytearray) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def abort_quietly(upload: Upload) -> None:
    """Gives an upload back after another error, which is the one to tell; what stays is swept by the next attempt."""
    with suppress(ExportError):
        upload.abort()
