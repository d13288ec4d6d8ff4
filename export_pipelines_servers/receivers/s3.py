"""A bucket of its own as the receiving end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export_pipelines.s3 import Bucket
from export_pipelines_servers.receivers.contract import Entry
from export_pipelines_servers.s3 import KEY, READER_KEY, READER_SECRET, SECRET, S3Server, own_bucket


@dataclass
class S3Receiver:
    server: S3Server
    bucket: Bucket
    folder: str = "in/"
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            "S3_KEY": KEY,
            "S3_SECRET": SECRET,
            "READER_KEY": READER_KEY,
            "READER_SECRET": READER_SECRET,
        }
    )

    @property
    def port(self) -> int:
        return self.server.port

    def through(self, port: int, **settings: Any) -> Entry:
        return self.entry(endpoint_url=f"http://127.0.0.1:{port}", **settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        """A second copy would stand under another key."""
        return 1 if set(self.arrived()) == {*files, "daily.manifest.json"} else 2

    def clear(self) -> None:
        for stored in list(self.bucket.list("")):
            self.bucket.remove(stored.key)
        for upload in list(self.bucket.uploads("")):
            self.bucket.abort(upload.key, upload.upload)

    def entry(self, **settings: Any) -> Entry:
        given = {
            "bucket": self.bucket.name,
            "key": self.folder,
            "endpoint_url": self.server.endpoint_url,
            "access_key": {"env": "S3_KEY"},
            "secret_key": {"env": "S3_SECRET"},
            **settings,
        }
        return {"kind": "s3", "settings": given}

    def arrived(self) -> dict[str, bytes]:
        names = [one.key for one in self.bucket.list("") if not self._hidden(one.key)]
        return {name.removeprefix(self.folder): self.bucket.read(name) or b"" for name in names}

    def debris(self) -> list[str]:
        hidden = [one.key for one in self.bucket.list("") if self._hidden(one.key)]
        return [*hidden, *(upload.key for upload in self.bucket.uploads(""))]

    def _hidden(self, key: str) -> bool:
        return key.rpartition("/")[2].startswith(".")

    def refused(self) -> dict[str, Entry]:
        https = f"https://127.0.0.1:{self.server.https_port}"
        return {
            "a wrong secret": self.entry(secret_key={"env": "READER_SECRET"}),
            "no right to write": self.entry(
                access_key={"env": "READER_KEY"}, secret_key={"env": "READER_SECRET"}
            ),
            "a bucket that is not there": self.entry(bucket="no-such-bucket"),
            "a server that nobody vouches for": self.entry(endpoint_url=https),
            "a variable that is not set": self.entry(secret_key={"env": "UNSET"}),
            "a host that is not there": self.entry(endpoint_url="https://no-such-host.invalid"),
        }


@contextmanager
def s3_receiver(tmp: Path) -> Iterator[S3Receiver]:
    yield S3Receiver(*own_bucket())
