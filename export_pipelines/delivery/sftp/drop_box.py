"""One artifact's files in a folder that can only be written into: under their final names at once, the manifest last."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.destination import Journal
from export_pipelines.delivery.file_set import manifest_name_of, wanted_of
from export_pipelines.delivery.sftp.file_set import said_failure, send_blocks, upwards, written
from export_pipelines.errors import RequestError

if TYPE_CHECKING:
    import paramiko


class SftpDropBox:
    """The files of `artifact` in `folder`, which people know as `where`. Asks the server to open, write and close only.

    What was sent is known by the ledger alone: a file that this delivery began is written anew, one that it sent is not
    sent again, and with `replace` one that the same export sent before is written over. Any other stays: files are
    opened so that the server refuses the name of one that is there.
    """

    def __init__(
        self,
        client: "paramiko.SFTPClient",
        folder: str,
        where: str,
        artifact: Artifact,
        *,
        manifest: bool,
        replace: bool,
    ) -> None:
        self.client, self.folder, self.where, self.artifact = client, folder, where, artifact
        self.replace, self.export = replace, artifact.manifest.export
        self._parts = {part.name: part for part in artifact.files}
        manifest_name_of(artifact, self._parts)
        self._data = artifact.manifest.to_json()
        self.wanted = wanted_of(artifact, self._parts, self._data if manifest else None)

    def send(self, journal: Journal) -> None:
        """Raises RequestError for a name that the server does not take."""
        ours = {name for name, _, export in journal.placed(self.where) if export == self.export}
        for name in self._parts:
            self.artifact.prove(self._parts[name])  # what is damaged must not be begun
        for name, wanted in self.wanted.items():
            if journal.state(name) != "done":
                over = journal.state(name) == "handing" or (self.replace and name in ours)
                with self._opened(name, over) as copy:
                    journal.placing(self.where, self.export, {name: wanted.sha256})
                    journal.handing(name)
                    self._write(copy, name)
                journal.done(name, wanted.sha256)

    def _write(self, copy: "paramiko.SFTPFile", name: str) -> None:
        if name not in self._parts:
            send_blocks(copy, io.BytesIO(self._data))
            return
        with self.artifact.open(self._parts[name]) as source:
            send_blocks(copy, source)

    @contextmanager
    def _opened(self, name: str, over: bool) -> "Iterator[paramiko.SFTPFile]":
        path, mode = f"{self.folder.rstrip('/')}/{name}", "wb" if over else "wxb"
        try:
            copy = self._open(path, mode)
        except OSError as error:
            if not said_failure(error):
                raise
            raise RequestError(
                f"the server does not take {name}: a file of that name stands there, or has to be of another kind",
                where=self.where,
                remedy='have it taken away, or give the files other names: `naming: "leads_{{date}}_{{part}}.{{ext}}"`',
            ) from None
        with written(copy):
            yield copy

    def _open(self, path: str, mode: str) -> "paramiko.SFTPFile":
        try:
            return self.client.open(path, mode)
        except FileNotFoundError:
            for folder in reversed(list(upwards(self.folder))):
                with suppress(OSError):  # most are there, and nobody tells which
                    self.client.mkdir(folder)
            return self.client.open(path, mode)
