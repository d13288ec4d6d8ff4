"""One artifact's files in a folder of an SFTP server: what stands there, uploads that go on where they broke off, the exchange."""

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from export_pipelines.artifacts import Part
from export_pipelines.definition.destinations.sftp import Verify
from export_pipelines.delivery.artifact import BLOCK_BYTES, Artifact, ProvenPart
from export_pipelines.delivery.file_set import CameBetween, manifest_name_of, wanted_of
from export_pipelines.delivery.sftp.own_names import OwnNames
from export_pipelines.errors import RequestError, RetryableError

if TYPE_CHECKING:
    import paramiko

WRITE_BYTES = (
    32_640  # with its header one packet of SSH, which every server takes; a byte more would make two
)
OPENSSH_BYTES = 128 * 1024  # which OpenSSH takes as one request
AGAIN_BYTES = 1 << 20  # of what was sent before a connection broke, this much is sent once more


class SftpSet:
    """The files of `artifact` in `folder`, which people know as `where`; a FileSet.

    `only_new`: nothing is replaced, not even what came there while this one was on its way. `verify`: how it becomes
    certain that a file arrived. Removes only what the server lists, since some refuse to remove what is not there.
    """

    def __init__(
        self,
        client: "paramiko.SFTPClient",
        folder: str,
        where: str,
        artifact: Artifact,
        *,
        manifest: bool,
        only_new: bool,
        verify: Verify,
    ) -> None:
        self.client, self.folder, self.artifact, self.where = client, folder, artifact, where
        self.only_new, self.verify, self.export = only_new, verify, artifact.manifest.export
        self._parts = {part.name: part for part in artifact.files}
        self.own_manifest = manifest_name_of(artifact, self._parts)
        self._data = artifact.manifest.to_json()
        self.wanted = wanted_of(artifact, self._parts, self._data if manifest else None)
        self._own = OwnNames(self.export, artifact.manifest.window.key)
        self._replaced = self._own.replaced

    @cached_property
    def sizes(self) -> dict[str, int | None]:
        return {entry.filename: entry.st_size for entry in self.client.listdir_attr(self.folder)}

    def read(self, name: str) -> bytes:
        with self.client.open(self._at(name), "rb") as file:
            return bytes(file.read())

    def digest(self, name: str) -> str:
        return digest_there(self.client, self._at(name))

    def said(self, name: str) -> str:
        return self.digest(name)

    def kept(self) -> bytes | None:
        return self.read(self._replaced) if self._replaced in self.sizes else None

    def put(self, missing: Collection[str], gone: Collection[str]) -> None:
        """Uploads every part under a temporary name, then exchanges the sets; between the two there is no manifest."""
        for name in missing:
            if name in self._parts:
                self._upload(self._parts[name])
        self._exchange(missing, gone)

    def tidy(self) -> None:
        """Whatever the server answers: a set that stands whole is delivered."""
        import paramiko

        with suppress(paramiko.SSHException, EOFError, OSError, UnicodeDecodeError):
            for name in self.client.listdir(self.folder):
                if name.startswith(self._own.prefix):
                    with suppress(OSError):
                        self.client.remove(self._at(name))

    def _upload(self, part: Part) -> None:
        temporary = self._own.temporary(part.name, part.sha256)
        sent = min(self.sizes.get(temporary) or 0, part.bytes)
        start = (
            max(sent - AGAIN_BYTES, 0) if self.verify != "acknowledged" else 0
        )  # else it could not be proven
        path = self._at(temporary)
        with self.artifact.open(part) as source:
            _skip(source, start)
            with written(self.client.open(path, "r+b" if start else "wb")) as copy:
                send_blocks(copy, source, start)
        try:
            require_arrived(self.client, path, part, self.verify, self.where, reread=bool(start))
        except RetryableError:
            self.client.remove(path)
            raise

    def _exchange(self, missing: Collection[str], gone: Collection[str]) -> None:
        shown = list[str]()
        if self.own_manifest in self.sizes:  # kept until the end: killed in between, it tells what is stale
            self._rename(self.own_manifest, self._replaced)
        for name in gone:
            if name in self.sizes:  # the manifest was renamed
                self._remove(name)
        for name in missing:
            if name in self._parts:
                part = self._parts[name]
                self._show(self._own.temporary(part.name, part.sha256), name, shown)
                continue
            with written(self.client.open(self._at(self._own.manifest), "wb")) as file:
                file.write(self._data)
            self._show(self._own.manifest, name, shown)

    def _show(self, temporary: str, name: str, shown: list[str]) -> None:
        """Gives a file its final name; `shown` are those that this attempt gave theirs."""
        if not self.only_new:
            self._rename(temporary, name)
            return
        try:
            self.client.rename(
                self._at(temporary), self._at(name)
            )  # unlike posix-rename, it replaces nothing
        except OSError as error:
            if not said_failure(error) or name not in self.client.listdir(self.folder):
                raise
            for text in shown:
                self.client.remove(self._at(text))
            raise CameBetween(name, self.where) from None
        shown.append(name)

    def _rename(self, old: str, new: str) -> None:
        """Also over what stands there; called for names only that may be replaced."""
        try:
            self.client.posix_rename(self._at(old), self._at(new))
        except OSError as error:
            if not said_failure(error):
                raise
            if new in self.sizes:  # a server without posix-rename replaces nothing
                self._remove(new)
            self.client.rename(self._at(old), self._at(new))
        self.sizes[new] = self.sizes.pop(old, None)

    def _remove(self, name: str) -> None:
        self.client.remove(self._at(name))
        self.sizes.pop(name, None)

    def _at(self, name: str) -> str:
        return posixpath.join(self.folder, name)


def names_in(client: "paramiko.SFTPClient", folder: str) -> list[str]:
    """All names in a folder; none where it is not there."""
    try:
        return client.listdir(folder)
    except FileNotFoundError:
        return []


@contextmanager
def written(file: "paramiko.SFTPFile") -> "Iterator[paramiko.SFTPFile]":
    """`file`, closed at the end. Raises OSError where the server refuses the close, which `SFTPFile.close` never tells.

    Servers that hand a file on when it is closed can say only there that they did not take it.
    """
    from paramiko.sftp import CMD_CLOSE

    with file:
        yield file
        try:
            file.sftp._request(CMD_CLOSE, file.handle)  # type: ignore[attr-defined]
        finally:
            file._closed = True  # type: ignore[attr-defined]


def send_blocks(copy: "paramiko.SFTPFile", source: BinaryIO | ProvenPart, start: int = 0) -> None:
    """Writes `source` from `start` on, many requests on the way at once; returns when the server acknowledged each."""
    request = OPENSSH_BYTES if _is_openssh(copy.sftp) else WRITE_BYTES
    copy.MAX_REQUEST_SIZE = request
    copy.set_pipelined(True)
    copy.seek(start)
    block = source.read(BLOCK_BYTES)
    while block:
        following = source.read(BLOCK_BYTES)
        copy.set_pipelined(bool(following))  # the last block waits for the answers to all of them
        for at in range(0, len(block), request):
            copy.write(block[at : at + request])
        block = following


def require_arrived(
    client: "paramiko.SFTPClient", path: str, part: Part, verify: Verify, where: str, reread: bool = False
) -> None:
    """Raises RetryableError for a file that is not what was sent, RequestError where the server lets nobody know.

    Its size, where the server tells one, else the whole of it read back, as also where it was sent in two attempts (`reread`).
    """
    if verify == "acknowledged":
        return
    size = client.stat(path).st_size
    if size is not None and size != part.bytes:
        raise RetryableError(
            f"{part.name} did not arrive whole",
            where=where,
            remedy="if it stays so, ask who runs the server whether its disk is full",
        )
    if size is not None and verify == "size" and not reread:
        return
    try:
        digest = digest_there(client, path)
    except PermissionError:
        raise RequestError(
            "the server tells no size of a file and lets nobody read it, so nobody can know that it arrived",
            where=where,
            remedy="ask for the right to read, or trust what it acknowledged: `verify: acknowledged`",
        ) from None
    if digest != part.sha256:
        changed = "was changed while the connection was broken" if reread else "is not what was sent"
        raise RetryableError(f"{part.name} {changed}", where=where)


def digest_there(client: "paramiko.SFTPClient", path: str) -> str:
    """SHA-256 of a file on the server, read to its end whatever size it tells."""
    digest = hashlib.sha256()
    with client.open(path, "rb") as file:
        if size := file.stat().st_size:
            file.prefetch(size)
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def said_failure(error: OSError) -> bool:
    """Whether the server answered that it could not, or does not know the request: paramiko tells no more than that."""
    return error.errno is None and not isinstance(error, TimeoutError) and "closed" not in str(error).lower()


def _is_openssh(client: "paramiko.SFTPClient") -> bool:
    channel = client.get_channel()
    return channel is not None and "OpenSSH" in channel.get_transport().remote_version


def _skip(source: object, size: int) -> None:
    while size:
        size -= len(source.read(min(size, BLOCK_BYTES)))  # type: ignore[attr-defined]


def make_folders(client: "paramiko.SFTPClient", folder: str) -> None:
    """Makes what is missing of `folder`."""
    for upward in reversed(list(upwards(folder))):
        try:
            client.stat(upward)
        except (FileNotFoundError, PermissionError):  # some servers say the second of what is not there
            with suppress(OSError):  # another delivery makes it right now
                client.mkdir(upward)
    client.stat(folder)


def deepest(client: "paramiko.SFTPClient", folder: str) -> str:
    """The deepest part of `folder` that is there."""
    for upward in upwards(folder):
        with suppress(FileNotFoundError, PermissionError):
            client.stat(upward)
            return upward
    return "."


def upwards(folder: str) -> Iterable[str]:
    while folder not in ("", "/", "."):
        yield folder
        folder = posixpath.dirname(folder)
