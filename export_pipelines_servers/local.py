"""The servers that the shipped exports deliver to, for trying: S3, SFTP, SMTP and Kinesis on loopback, files below one folder."""

import hashlib
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from export_pipelines_servers import aws, s3, smtp, ssh
from export_pipelines_servers.authority import authority
from export_pipelines_servers.free_port import free_port

BUCKET, STREAM = "acme-exports", "acme-events"


@dataclass(frozen=True)
class Ports:
    """The shipped exports name the default ones."""

    s3: int = 18333
    sftp: int = 12222
    smtp: int = 11025
    aws: int = 14566

    def put_into(self, export: str) -> str:
        """The text of a shipped export, for these ports."""
        for shipped, own in zip(astuple(Ports()), astuple(self), strict=True):
            export = export.replace(str(shipped), str(own))
        return export


def free_ports() -> Ports:
    return Ports(s3.free_s3_port(s3.PARTS), free_port(), free_port(), free_port())


def environment(folder: Path, ports: Ports) -> Mapping[str, str]:
    """What the exports need to know: secrets by name, and the mail server."""
    return {
        "S3_ACCESS_KEY": s3.KEY,
        "S3_SECRET_KEY": s3.SECRET,
        "AWS_ACCESS_KEY": aws.KEY,
        "AWS_SECRET_KEY": aws.SECRET,
        "SFTP_PASSWORD": ssh.PASSWORD,
        "EXPORT_PIPELINES_SMTP_URL": smtp.Post(ports.smtp).url(folder / "ca.pem"),
        "EXPORT_PIPELINES_MAIL_FROM": "exports@example.com",
    }


def busy_port(ports: Ports) -> int | None:
    """The first of `ports` on which something listens already."""
    for port in astuple(ports):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return int(port)
    return None


@contextmanager
def local_servers(folder: Path, ports: Ports) -> Iterator[Mapping[str, str]]:
    """The servers, up until the block ends, and their `environment`; what they were sent stays in `folder`."""
    for name in ("sftp", "mail"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    authority().pem(folder)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of itself
    with ExitStack() as stack:
        stack.enter_context(s3.s3_server(folder / "s3", ports.s3)).bucket(BUCKET)
        stack.enter_context(ssh.asyncssh_server(folder / "sftp", ports.sftp, host_key=_host_key()))
        stack.enter_context(smtp.smtp_server(port=ports.smtp, folder=folder / "mail"))
        moto = stack.enter_context(aws.aws_server(ports.aws))
        with suppress(
            moto.client("kinesis").exceptions.ResourceInUseException
        ):  # of servers before, in this process
            moto.new_stream(STREAM)
        yield environment(folder, ports)


def _host_key() -> asyncssh.SSHKey:
    """Always the same, since the shipped export names its public half."""
    seed = hashlib.sha256(b"the SFTP server of `make servers`, on loopback").digest()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return asyncssh.import_private_key(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
