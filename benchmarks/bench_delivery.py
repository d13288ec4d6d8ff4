"""A file of 500 MB to each destination on loopback, against the plain tool: sftp, boto3's upload_file, curl, cp."""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.harness import Bar, Judged, Result, Work, all_bars, compare, installed, program
from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import OPENED, https_server
from export_pipelines_servers.receivers import FolderReceiver, S3Receiver, SftpReceiver, WebhookReceiver
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_servers.ssh import openssh
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.delivery.desk import Desk, open_entry

MEGABYTES = 500
NAME = "leads_part_1.csv.gz"
OURS = "ours"
BARS = {"sftp": {OURS: Bar("sftp", most=1.25)}}


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=MEGABYTES)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--to", nargs="*", default=list(DESTINATIONS))
    options = arguments.parse_args()
    judged = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "allowed.yaml").write_text(OPENED, encoding="utf-8")  # the webhook's server is this machine
        desk = Desk(folder / "home")
        block = os.urandom(1_000_000)  # nothing on the way makes it smaller
        manifest = stored(desk.store, {NAME: block * options.megabytes})
        file = folder / "home" / "artifacts" / manifest.artifact / NAME
        for kind in options.to:
            with DESTINATIONS[kind](folder, file) as (receiver, peer, place):
                desk.environment.update(receiver.environment)
                ours = partial(_send, desk, manifest, receiver, place)
                judged += compare(
                    f"{kind}, {options.megabytes} MB",
                    {**peer, OURS: ours},
                    options.runs,
                    BARS.get(kind, {}),
                    (OURS,),
                )
    return judged


def _send(desk: Desk, manifest: Any, receiver: Any, place: Callable[[int], dict[str, Any]]) -> Result:
    """In a process of its own, to a place of its own."""
    context = multiprocessing.get_context("spawn")
    receiving, tells = context.Pipe(duplex=False)
    entry = receiver.entry(**place(time.monotonic_ns()))
    process = context.Process(target=_sent, args=(desk.home, desk.environment, manifest, entry, tells))
    process.start()
    seconds, memory_mb = receiving.recv()
    process.join()
    return Result(seconds, memory_mb, manifest.bytes)


def _sent(home: Path, environment: dict[str, str], manifest: Any, entry: Any, tells: Any) -> None:
    desk = Desk(home, environment)
    desk.due(manifest, entry)  # as in a run, which lives longer than one delivery: the ledger is open,
    open_entry(entry, desk.resources)  # and the library loaded
    began = time.perf_counter()
    desk.send(manifest, entry, again=True)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text(encoding="ascii")
    tells.send((seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1000))


@contextmanager
def _folder(folder: Path, file: Path) -> Iterator[Any]:
    (folder / "receiver").mkdir()
    peer: Work = {"cp": partial(program, "cp", str(file), str(folder / "receiver" / "copy"))}
    yield FolderReceiver(folder / "receiver"), peer, lambda n: {"path": str(folder / "receiver" / str(n))}


@contextmanager
def _sftp(folder: Path, file: Path) -> Iterator[Any]:
    with openssh() as server:
        key, batch = folder / "key", folder / "batch"
        key.write_text(server.key)
        key.chmod(0o600)
        batch.write_text(f"put {file} {server.path}/copy\n")
        words = ["-q", "-b", str(batch), "-P", str(server.port), "-i", str(key), "-o", "StrictHostKeyChecking=no",
                 "-o", f"UserKnownHostsFile={folder / 'known'}", f"{server.user}@127.0.0.1"]  # fmt: skip
        peer: Work = {"sftp": partial(program, "sftp", *words)} if installed("sftp") else {}
        yield SftpReceiver(server), peer, lambda n: {"path": f"{server.path}/{n}"}


@contextmanager
def _s3(folder: Path, file: Path) -> Iterator[Any]:
    server, bucket = own_bucket()

    def upload_file() -> Result:
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint_url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        began = time.perf_counter()
        client.upload_file(str(file), bucket.name, "copy")
        return Result(time.perf_counter() - began)

    yield S3Receiver(server, bucket), {"boto3 upload_file": upload_file}, lambda n: {"key": f"{n}/"}


@contextmanager
def _webhook(folder: Path, file: Path) -> Iterator[Any]:
    with https_server() as inbox:
        ca = authority().pem(folder)
        words = ["-sf", "--cacert", str(ca), "-X", "POST", "-T", str(file), "-H", "Expect:", inbox.url()]

        def emptied(send: Callable[[], Result]) -> Result:
            inbox.posted.clear()  # it keeps what it is sent in memory
            return send()

        peer: Work = {"curl": partial(emptied, partial(program, "curl", *words))} if installed("curl") else {}
        yield WebhookReceiver(inbox, ca), peer, lambda n: {"headers": {}}


DESTINATIONS = {"folder": _folder, "sftp": _sftp, "s3": _s3, "webhook": _webhook}

if __name__ == "__main__":
    all_bars(main())
