"""`s3:` a bucket, of Amazon or of any server that speaks as Amazon does."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from export_pipelines.definition.destinations.encryption import EncryptedSettings
from export_pipelines.definition.destinations.hosts import host_of, is_loopback
from export_pipelines.definition.destinations.named import Named, files_in
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import Overwrite, Seconds
from export_pipelines.definition.words import Flag, fault, unless
from export_pipelines.templates import FOLDER_WORDS, WORDS, template_faults, words_in

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MAX_TAGS = 10
StorageClass = Literal[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
    "EXPRESS_ONEZONE",
]


def _bucket(value: str) -> str:
    if not BUCKET.fullmatch(value):
        raise fault("a bucket has 3 to 63 small letters, digits, dots and hyphens")
    return value


def _key(value: str) -> str:
    for text in template_faults(value, WORDS):
        raise fault(text)
    folder, _, name = value.rpartition("/")
    if not value.strip() or value.startswith("/") or ".." in value.split("/"):
        raise fault('a key is expected, without "/" at its beginning and without ".."')
    if words_in(folder) - FOLDER_WORDS:
        raise fault('{{part}} and {{ext}} belong to the file, after the last "/"')
    if name and "part" not in words_in(name):
        raise fault(
            'a key that names the file holds {{part}}; or end it with "/", for files named as they are'
        )
    return value


def _endpoint(value: str) -> str:
    host = host_of(value)
    if host is None or not re.fullmatch(r"https?://[^\s/@?#\\]+/?", value):
        raise fault("an endpoint is https://host or https://host:port, without a path and without keys")
    if not is_safe_endpoint(value):
        raise fault(PLAIN_HTTP)
    return value


PLAIN_HTTP = "an endpoint is https://; plain http is for a server of this machine only (localhost, 127.0.0.1)"


def is_safe_endpoint(url: str) -> bool:
    """Whether what is sent there is encrypted, or stays on this machine."""
    return url.startswith("https://") or is_loopback(host_of(url) or "")


BucketName = Annotated[str, AfterValidator(_bucket)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Checksums = Literal["when_supported", "when_required"]


class S3Settings(EncryptedSettings):
    """Objects get the key `key`, or their own names below it where it ends with a slash. Without keys, boto3 finds them."""

    kind: ClassVar[str] = "s3"
    EXAMPLE: ClassVar[str] = 's3: {bucket: acme-archive, key: "leads/{{date}}/"}'
    place: ClassVar[str | None] = "key"
    words: ClassVar[frozenset[str]] = WORDS

    bucket: BucketName
    key: Annotated[str, AfterValidator(_key)]
    overwrite: Overwrite = "replace"
    manifest: Flag = True
    endpoint_url: Endpoint | None = None
    region: str | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None
    ca: str | None = None
    checksums: Checksums | None = unless(None)
    encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key: str | None = None
    storage_class: StorageClass | None = None
    tags: Annotated[dict[str, str], Field(max_length=MAX_TAGS)] = Field(default_factory=dict)
    timeout_s: Seconds = 60

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise fault("access_key and secret_key go together")
        if self.kms_key is not None and self.encryption != "aws:kms":
            raise fault('kms_key goes with `encryption: "aws:kms"`')
        if self.overwrite == "version" and "/" not in self.key:
            raise fault("`overwrite: version` numbers the folder of the key, and this key has none")
        return self

    def replaces(self) -> Overwrite:
        return self.overwrite

    def server(self) -> str:
        return f"{self.endpoint_url or 's3:/'}/{self.bucket}/"

    def reaches(self) -> tuple[str, ...]:
        return (f"{self.bucket}/{self.key}",)

    def named(self) -> Iterator[Named]:
        yield from super().named()
        yield Named(("bucket",), "buckets", self.bucket)
        yield from files_in(ca=self.ca)
        if self.endpoint_url is not None:
            yield Named(("endpoint_url",), "hosts", host_of(self.endpoint_url) or "")

    def names_files(self) -> bool:
        return not self.key.endswith("/")
