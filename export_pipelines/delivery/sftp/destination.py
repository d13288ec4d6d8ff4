"""Delivers an artifact into a folder of an SFTP server: temporary names, sizes proved, then renamed, manifest last."""

import logging
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import SftpSettings
from export_pipelines.delivery.artifact import Artifact, manifest_name
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.file_set import PREFIX, Wanted, bring, digests_of, first_version
from export_pipelines.delivery.places import place_of, words_of
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.removal import Placing, Removal, all_left, remove_files
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.sessions import Sessions
from export_pipelines.delivery.sftp.drop_box import SftpDropBox
from export_pipelines.delivery.sftp.file_set import (
    SftpSet,
    deepest,
    digest_there,
    make_folders,
    names_in,
    said_failure,
    written,
)
from export_pipelines.delivery.sftp.own_names import OwnNames
from export_pipelines.delivery.sftp.ssh import Login, connected, login_of
from export_pipelines.errors import RequestError, RetryableError
from export_pipelines.network_errors import network_errors
from export_pipelines.templates import check_template, fixed_folder

if TYPE_CHECKING:
    import paramiko

log = logging.getLogger(__name__)

WHERE = "deliver.sftp"


def open_from(settings: SftpSettings, resources: Resources) -> "Sftp":
    jump = login_of(settings.jump, resources, f"{WHERE}.jump") if settings.jump else None
    return Sftp(settings, login_of(settings, resources, WHERE), jump, resources.sessions)


class Sftp:
    """`overwrite`: `replace` the set that is there, `never`, or `version`: `<path>_v2`, `_v3`, ... beside it."""

    kind = "sftp"
    capabilities = Capabilities(atomic=True, resumable=True, recognises=True)

    def __init__(self, settings: SftpSettings, login: Login, jump: Login | None, sessions: Sessions) -> None:
        check_template(settings.path, settings.words)
        self.settings, self.login, self.jump, self.sessions = settings, login, jump, sessions

    def target(self, manifest: Manifest) -> str:
        return self._url(self._folder(manifest))

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return manifest.part_names

    def check(self) -> None:
        """Connects, and proves the right to write in the deepest folder that the path names without a word; what is
        written into a drop box could not be taken away again."""
        fixed = fixed_folder(self.settings.path)
        with self._client() as client, self._answers(fixed):
            if self.settings.drop_box:
                return
            probe = posixpath.join(deepest(client, fixed), f"{PREFIX}check")
            with written(client.open(probe, "wb")):
                pass
            client.remove(probe)

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        folder = self._folder(artifact.manifest).rstrip("/") or "/"
        with self._client() as client:
            if self.settings.drop_box:
                return self._drop(client, folder, artifact, journal)
            return first_version(folder, lambda name: self._send_into(client, name, artifact, journal))

    def _drop(
        self, client: "paramiko.SFTPClient", folder: str, artifact: Artifact, journal: Journal
    ) -> Receipt:
        replace, where = self.settings.overwrite == "replace", self._url(folder)
        with self._answers(folder):
            drop_box = SftpDropBox(
                client, folder, where, artifact, manifest=self.settings.manifest, replace=replace
            )
            drop_box.send(journal)
        return self._receipt(artifact, where, drop_box.wanted)

    def _send_into(
        self, client: "paramiko.SFTPClient", folder: str, artifact: Artifact, journal: Journal
    ) -> Receipt | None:
        """The receipt, or None when another set is there and this one belongs beside it."""
        with self._answers(folder):
            make_folders(client, folder)
            file_set = SftpSet(
                client,
                folder,
                self._url(folder),
                artifact,
                manifest=self.settings.manifest,
                only_new=self.settings.overwrite != "replace",
                verify=self.settings.proof,
            )
            if not bring(file_set, self.settings.overwrite, journal):
                return None
        return self._receipt(artifact, file_set.where, file_set.wanted)

    def remove(self, placing: Placing) -> Removal:
        if self.settings.drop_box:
            return all_left(placing.files, "a drop box gives nothing back")
        root = self._url("")
        if not placing.place.startswith(root):
            return all_left(placing.files, "the place is on another server than the export names")
        start = "/" if self.settings.path.startswith("/") else ""
        folder = start + placing.place.removeprefix(root)
        with self._client() as client, self._answers(folder):

            def digest_in(name: str) -> str | None:
                try:
                    return digest_there(client, posixpath.join(folder, name))
                except FileNotFoundError:
                    return None

            def remove(name: str) -> None:
                client.remove(posixpath.join(folder, name))

            def unfinished() -> list[str]:
                own = OwnNames(placing.export, placing.window_key)
                names = [own.manifest, *(own.temporary(*file) for file in placing.files.items())]
                present = names_in(client, folder)
                names = [name for name in names if name in present]
                manifest = placing.files.get(manifest_name(placing.export))
                if manifest and own.replaced in present and digest_in(own.replaced) == manifest:
                    names.append(own.replaced)
                for name in names:
                    remove(name)
                return names

            return remove_files(placing.files, digest_in, remove, unfinished)

    def _receipt(self, artifact: Artifact, where: str, wanted: Mapping[str, Wanted]) -> Receipt:
        how, digests = {"verified by": self.settings.proof}, digests_of(wanted)
        receipt = receipt_of(artifact, self.kind, where, wanted, how, digests=digests)
        log.debug("files are there", extra={"artifact": receipt.artifact, "files": len(receipt.files)})
        return receipt

    def _folder(self, manifest: Manifest) -> str:
        return place_of(self.settings.path, words_of(manifest), f"{WHERE}.path")

    def _url(self, folder: str) -> str:
        return f"sftp://{self.login.user}@{self.login}/{folder.lstrip('/')}"

    def _client(self) -> "AbstractContextManager[paramiko.SFTPClient]":
        key = (self.kind, self.login, self.jump, self.settings.timeout_s)
        return self.sessions.session(key, self._connected, _lives)

    @contextmanager
    def _connected(self) -> "Iterator[paramiko.SFTPClient]":
        import paramiko

        with connected(self.login, self.jump, self.settings.timeout_s) as session:
            with network_errors(str(self.login)):
                client = paramiko.SFTPClient.from_transport(session)
            if client is None:
                raise RequestError("the server offers no SFTP", where=str(self.login))
            channel = client.get_channel()
            if channel is not None:
                channel.settimeout(self.settings.timeout_s)
            yield client

    @contextmanager
    def _answers(self, folder: str) -> Iterator[None]:
        """Sorts what the server says of files; the connection's own errors are those of `network_errors`."""
        where = self._url(folder)
        with network_errors(str(self.login)):
            try:
                yield
            except PermissionError:
                raise RequestError(
                    "the server does not let us write there",
                    where=where,
                    remedy="ask for the right, or name another folder",
                ) from None
            except FileNotFoundError:
                raise RequestError(
                    "the folder is not there and cannot be made",
                    where=where,
                    remedy="make it, or name another folder",
                ) from None
            except UnicodeDecodeError:
                raise RequestError(
                    "the folder holds a file whose name is not in UTF-8",
                    where=where,
                    remedy="have it renamed, or name another folder",
                ) from None
            except OSError as error:
                if not said_failure(error):
                    raise
                raise RetryableError(
                    "the server could not do it",
                    where=where,
                    remedy="if it stays so, ask who runs the server whether its disk is full",
                ) from None


def _lives(client: "paramiko.SFTPClient") -> bool:
    """Whether the server still answers."""
    import paramiko

    try:
        client.normalize(".")
    except (OSError, EOFError, paramiko.SSHException):
        return False
    return True
