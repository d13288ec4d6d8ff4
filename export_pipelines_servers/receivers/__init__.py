"""The receiving end of each kind of destination, for the contract suite: one row a kind, real servers behind them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from export_pipelines_servers.receivers.contract import Entry, Receiver, RemoteReceiver
from export_pipelines_servers.receivers.folder import FolderReceiver, folder_receiver
from export_pipelines_servers.receivers.mail import MailReceiver, mail_receiver
from export_pipelines_servers.receivers.s3 import S3Receiver, s3_receiver
from export_pipelines_servers.receivers.sftp import (
    OTHER_KEY,
    SftpReceiver,
    asyncssh_receiver,
    openssh_receiver,
)
from export_pipelines_servers.receivers.webhook import WEBHOOK_SECRET, WebhookReceiver, webhook_receiver

__all__ = [
    "OTHER_KEY",
    "REMOTE",
    "WEBHOOK_SECRET",
    "Entry",
    "FolderReceiver",
    "MailReceiver",
    "Receiver",
    "RemoteReceiver",
    "S3Receiver",
    "SftpReceiver",
    "WebhookReceiver",
    "folder_receiver",
]

REMOTE: Mapping[str, Callable[[Path], AbstractContextManager[RemoteReceiver]]] = {
    "email": mail_receiver,
    "sftp (OpenSSH)": openssh_receiver,
    "sftp (asyncssh)": asyncssh_receiver,
    "s3": s3_receiver,
    "webhook": webhook_receiver,
}
