"""A bucket as the program uses it: objects by key, listed, read, put whole or only where nothing is; errors sorted."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from export_pipelines.errors import RetryableError
from export_pipelines.s3.errors import code_of, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Options = Mapping[str, Any]  # of an object, in boto3's words: ContentType, StorageClass, Tagging, ...
READ_BYTES = 1 << 20
MISSING = ("404", "NoSuchKey", "NotFound")
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
OF_ANSWERS = {  # headers that a presigned URL may set
    "Content-Type": "ResponseContentType",
    "Content-Disposition": "ResponseContentDisposition",
    "Cache-Control": "ResponseCacheControl",
}
TAKEN = ("412", "PreconditionFailed")


@dataclass(frozen=True)
class StoredObject:
    """One object, or an upload that was not completed (`upload` is its id then). `sha256`: what we said when we put it;
    `etag`: what the server says of it; `is_archived`: it cannot be read back."""

    key: str
    size: int
    modified: datetime
    upload: str = ""
    sha256: str = ""
    etag: str = ""
    is_archived: bool = False


class Bucket:
    """`url` names a key in errors. Every call raises as `s3_errors` says."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self.client, self.name = client, name

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def head(self, key: str) -> StoredObject | None:
        """What is known of an object, None when it is not there."""
        from botocore.exceptions import ClientError

        with s3_errors(self.url(key)):
            try:
                head = self.client.head_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
        said = {name.lower(): value for name, value in head["Metadata"].items()}
        return StoredObject(
            key,
            head["ContentLength"],
            head["LastModified"],
            sha256=said.get("sha256", ""),
            etag=head.get("ETag", "").strip('"'),
            is_archived=head.get("StorageClass") in ARCHIVES,
        )

    def read(self, key: str) -> bytes | None:
        """All of a small object, None when it is not there."""
        try:
            with self.open(key) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def digest(self, key: str) -> str:
        """SHA-256 of an object, read back. Raises RetryableError when it is not there."""
        try:
            with self.open(key) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except FileNotFoundError:
            raise RetryableError("the object is gone", where=self.url(key)) from None

    def open(self, key: str, start: int = 0) -> BinaryIO:
        """The object from byte `start`. Raises FileNotFoundError."""
        from botocore.exceptions import ClientError

        whole: Options = {"Range": f"bytes={start}-"} if start else {}
        with s3_errors(self.url(key)):
            try:
                answer = self.client.get_object(Bucket=self.name, Key=key, **whole)
            except ClientError as error:
                if code_of(error) in MISSING:
                    missing = FileNotFoundError(key)
                else:
                    raise
            else:
                body = _Body(answer["Body"], self.url(key), answer.get("ETag", ""))
                return io.BufferedReader(body, READ_BYTES)
        raise missing

    def presigned_url(self, key: str, valid_s: int, headers: Mapping[str, str]) -> str:
        """A URL that is good for a GET of the object, with these headers of the answer (as `OF_ANSWERS` names them)."""
        with s3_errors(self.url(key)):
            return self.client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.name,
                    "Key": key,
                    **{OF_ANSWERS[name]: value for name, value in headers.items() if name in OF_ANSWERS},
                },
                ExpiresIn=valid_s,
            )

    def list(self, prefix: str, below: bool = True, after: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins with `prefix`, and comes after the key `after`, by key; without `below` only to the next
        slash."""
        with s3_errors(self.url(prefix)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, Delimiter="" if below else "/", StartAfter=after
            )
            for page in pages:
                for stored_object in page.get("Contents", ()):
                    yield StoredObject(
                        stored_object["Key"], stored_object["Size"], stored_object["LastModified"]
                    )

    def uploads(self, prefix: str) -> Iterator[StoredObject]:
        """Uploads below `prefix` that were begun and neither completed nor aborted."""
        with s3_errors(self.url(prefix)):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.name, Prefix=prefix
            )
            for page in pages:
                for upload in page.get("Uploads", ()):
                    yield StoredObject(upload["Key"], 0, upload["Initiated"], upload["UploadId"])

    def put(self, key: str, data: bytes | bytearray, options: Options, only_new: bool = False) -> bool:
        """Puts a small object; False when `only_new` and there is another one (an answer may be lost, so it is looked at)."""
        from botocore.exceptions import ClientError

        with s3_errors(self.url(key)):
            try:
                self.client.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=data,  # type: ignore[arg-type]  # boto3 takes a bytearray as it takes bytes
                    **options,
                    **condition(only_new),
                )
            except ClientError as error:
                if not (only_new and code_of(error) in TAKEN):
                    raise
                taken = True
            else:
                taken = False
        return not taken or self.read(key) == data

    def remove(self, key: str) -> None:
        """Harmless when it is not there."""
        with s3_errors(self.url(key)):
            self.client.delete_object(Bucket=self.name, Key=key)

    def digest_kept(self, key: str, sha256: str) -> str | None:
        """`sha256` where the object, or a version of it that the bucket keeps, has that digest; else the object's own, None
        where there is none."""
        stored = self.head(key)
        if stored is not None and stored.is_archived:
            digest = stored.sha256 or None
        else:
            digest = self.digest(key) if stored is not None else None
        return sha256 if digest == sha256 or self._versions_of(key, sha256) else digest

    def remove_content(self, key: str, sha256: str) -> None:
        """Removes the object, and every version of it with that digest. Raises RequestError where a version has to stay."""
        versions = self._versions_of(key, sha256)
        with s3_errors(self.url(key)):
            for version in versions:
                self.client.delete_object(Bucket=self.name, Key=key, VersionId=version)
        if not versions:
            self.remove(key)

    def _versions_of(self, key: str, sha256: str) -> tuple[str, ...]:
        """Ids of the kept versions with that digest; none where the bucket keeps no versions."""
        with s3_errors(self.url(key)):
            state = self.client.get_bucket_versioning(Bucket=self.name).get("Status")
            if not state:
                return ()
            pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=key)
            ids = [
                version["VersionId"]
                for page in pages
                for version in page.get("Versions", ())
                if version["Key"] == key
            ]
            return tuple(id for id in ids if self._digest_of_version(key, id) == sha256)

    def _digest_of_version(self, key: str, version: str) -> str:
        body = self.client.get_object(Bucket=self.name, Key=key, VersionId=version)["Body"]
        with io.BufferedReader(_Body(body, self.url(key)), READ_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def abort(self, key: str, upload: str) -> None:
        """Harmless when it was completed or aborted."""
        from botocore.exceptions import ClientError

        with s3_errors(self.url(key)):
            try:
                self.client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
            except ClientError as error:
                if code_of(error) not in ("NoSuchUpload", *MISSING):
                    raise


def condition(only_new: bool) -> dict[str, Any]:
    """What makes S3 refuse to replace an object, whoever put it a moment before."""
    return {"IfNoneMatch": "*"} if only_new else {}


class _Body(io.RawIOBase):
    """The answer to a GET; a connection that breaks is a RetryableError, never a short file. `etag` is that of the object."""

    def __init__(self, body: Any, where: str, etag: str = "") -> None:
        self._body, self._where, self.etag = body, where, etag

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with s3_errors(self._where):
            block = self._body.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()
