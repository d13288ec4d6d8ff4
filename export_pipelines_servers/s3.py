"""A real S3 server, SeaweedFS, from its wheel."""

import atexit
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from botocore.exceptions import ClientError

from export_pipelines.errors import ExportError
from export_pipelines.s3 import Access, Bucket, open_bucket
from export_pipelines_servers.authority import authority
from export_pipelines_servers.ending import end, undisturbed, with_parent
from export_pipelines_servers.free_port import free_port, is_free

BUCKET = "exports"
KEY, SECRET = "exports-key", "s3cret/bucket+key"
READER_KEY, READER_SECRET = "reader-key", "r3ader/secret"
LOOPBACK = "127.0.0.1"
PORT_TRIES = 4
START_S = 30
GRPC = 10_000  # each of its ports has a second one, so much higher
PARTS = 5  # with a port each
LAST_PORT = 65_535
PORT_TAKEN = ("address already in use", "Port allocation failed")


@dataclass
class S3Server:
    """`ca` signed the certificate of the HTTPS port. Buckets are made with `bucket(name)`."""

    port: int
    https_port: int
    ca: Path
    host: str = LOOPBACK
    buckets: set[str] = field(default_factory=set)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"https://{self.host}:{self.https_port}"

    def stall(self) -> None:
        """From now on it takes connections and answers none, until `go_on`."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def access(self, **settings: object) -> Access:
        is_near = self.host == LOOPBACK  # plain http goes no further
        defaults = {
            "endpoint_url": self.endpoint_url if is_near else self.secure_url,
            "ca": None if is_near else str(self.ca),
            "access_key": KEY,
            "secret_key": SECRET,
            "timeout_s": 10,
        }
        return Access(**{**defaults, **settings})  # type: ignore[arg-type]

    def bucket(self, name: str = BUCKET) -> Bucket:
        """The bucket `name`, made when it is first asked for."""
        bucket = open_bucket(name, self.access())
        if name not in self.buckets:
            with suppress(
                bucket.client.exceptions.BucketAlreadyExists, bucket.client.exceptions.BucketAlreadyOwnedByYou
            ):
                bucket.client.create_bucket(Bucket=name)
            self.buckets.add(name)
        return bucket


_NUMBERS = itertools.count(1)


def own_bucket() -> tuple[S3Server, Bucket]:
    """An empty bucket on the server that this process keeps until it ends."""
    server = _server_of_this_process()
    return server, server.bucket(f"{BUCKET}-{next(_NUMBERS)}")


@cache
def _server_of_this_process() -> S3Server:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(s3_server())


@contextmanager
def s3_server(
    folder: Path | None = None, port: int | None = None, host: str = LOOPBACK
) -> Iterator[S3Server]:
    """SeaweedFS on an address of this machine, on `port` or a free one, with its data below `folder` or in a temporary one."""
    with tempfile.TemporaryDirectory(prefix="export_pipelines_s3_") as temporary:
        data = folder or Path(temporary)
        data.mkdir(parents=True, exist_ok=True)
        process, server = _started(data, port, host)
        try:
            yield server
        finally:
            end(process, signal.SIGTERM if folder else signal.SIGKILL)


def _started(data: Path, port: int | None, host: str) -> "tuple[subprocess.Popen[bytes], S3Server]":
    """Again on other ports where somebody took one of the free ones in the meantime."""
    for tries_left in reversed(range(1 if port else PORT_TRIES)):
        s3_port, https_port, *others = _ports(port)
        server = S3Server(s3_port, https_port, authority().pem(data), host)
        with (data / "log").open("wb") as log, undisturbed():
            process = subprocess.Popen(
                _call(data, server, others),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=data,
                start_new_session=True,  # Ctrl-C is for us, who end it in order
                preexec_fn=with_parent(signal.SIGKILL),  # noqa: PLW1509
            )
        try:
            _wait(process, server, data / "log")
        except AssertionError as error:
            end(process, signal.SIGKILL)
            if tries_left and any(reason in str(error) for reason in PORT_TAKEN):
                continue
            raise
        server.process = process
        return process, server
    raise AssertionError("no port is free")


def _ports(s3_port: int | None) -> list[int]:
    """Of S3 and of its parts; data is found again on the same ones only."""
    return [s3_port + n for n in range(PARTS)] if s3_port else [free_s3_port() for _ in range(PARTS)]


def _call(data: Path, server: S3Server, ports: list[int]) -> list[str]:
    certificate, key = authority().files(data, *({server.host} - {LOOPBACK}))
    (data / "s3.json").write_text(json.dumps({"identities": [_writer(), _reader()]}), encoding="utf-8")
    flags = {
        "s3.port": server.port,
        "s3.port.https": server.https_port,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        **{f"{name}.port": port for name, port in zip(("master", "volume", "filer"), ports, strict=True)},
    }
    return [
        shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed",
        "mini",
        f"-dir={data}",
        f"-ip={server.host}",
        f"-ip.bind={server.host}",
        f"-s3.config={data / 's3.json'}",
        f"-s3.cert.file={certificate}",
        f"-s3.key.file={key}",
        "-admin.ui=false",
        "-webdav=false",
        "-master.telemetry=false",
        "-volume.max=5000",  # each bucket takes several; by default there is room for some seventy buckets
        *(f"-{name}={port}" for name, port in flags.items()),
    ]


def _writer() -> Mapping[str, object]:
    return {
        "name": "exports",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }


def _reader() -> Mapping[str, object]:
    return {
        "name": "reader",
        "credentials": [{"accessKey": READER_KEY, "secretKey": READER_SECRET}],
        "actions": ["Read", "List"],
    }


def free_s3_port(parts: int = 1) -> int:
    """A free port; the next ones are free, too, for so many `parts`, and so is the second one of each."""
    while True:
        port = free_port()
        if all(
            number <= LAST_PORT and is_free(number)
            for part in range(parts)
            for number in (port + part, port + part + GRPC)
        ):
            return port


def _wait(process: subprocess.Popen[bytes], server: S3Server, log: Path) -> None:
    """Until a bucket can be made: its volumes come up after its port."""
    for _ in range(START_S * 10):
        if process.poll() is not None:
            break
        with suppress(OSError, ExportError, ClientError):
            for port in (server.port, server.https_port):
                socket.create_connection((server.host, port), 1).close()
            server.bucket().put("started", b"", {})
            server.bucket().remove("started")
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace")[-20_000:])
