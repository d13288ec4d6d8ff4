"""One artifact's files in a folder of an SFTP server: what stands there, uploads that go on where they broke off, the exchange."""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress

import paramiko

from export_pipelines.artifacts import Part
from export_pipelines.delivery.artifact import BLOCK_BYTES, MANIFEST_SUFFIX, Artifact
from export_pipelines.delivery.file_set import PREFIX, CameBetween, manifest_name_of, names_in
from export_pipelines.errors import RetryableError

WRITE_BYTES = (
    32_640  # with its header one packet of SSH, which every server takes; a byte more would make two
)
OPENSSH_BYTES = 128 * 1024  # which OpenSSH takes as one request
AGAIN_BYTES = 1 << 20  # of what was sent before a connection broke, this much is sent once more


class SftpSet:
    """The files of `artifact` in `folder`, which people know as `where`; without `manifest`, its own are known by their digests.

    `only_new`: nothing is replaced, not even what came there while this one was on its way.
    """

    def __init__(
        self,
        client: paramiko.SFTPClient,
        folder: str,
        where: str,
        artifact: Artifact,
        *,
        manifest: bool,
        only_new: bool,
    ) -> None:
        self.client, self.folder, self.artifact = client, folder, artifact
        self.parts, self.where = artifact.manifest.parts, where
        self.names = tuple(part.name for part in self.parts)
        self.own_manifest, self.only_new = manifest_name_of(artifact, self.names), only_new
        self.manifest_name = self.own_manifest if manifest else None
        self._data = artifact.manifest.to_json()
        self._own = f"{PREFIX}{_short(artifact.manifest.export, artifact.manifest.window.key)}~"
        self._replaced = self._at(f"{self._own}replaced")
        self._there: dict[str, paramiko.SFTPAttributes] = {}
        self._request_bytes = OPENSSH_BYTES if _is_openssh(client) else WRITE_BYTES

    def look(self) -> None:
        """Reads the folder once; call it first."""
        self._there = {one.filename: one for one in self.client.listdir_attr(self.folder)}

    def holds_it(self) -> bool:
        """Whether this very artifact is already there, whole."""
        if self.manifest_name and self._read(self._at(self.manifest_name)) != self._data:
            return False
        return all(self._stands(part, told=bool(self.manifest_name)) for part in self.parts)

    def taken(self) -> str | None:
        """A file of another set that stands where this one would, or None."""
        name = self.manifest_name
        if name in self._there and self._read(self._at(str(name))) != self._data:
            return name
        taken = (
            one.name for one in self.parts if one.name in self._there and not self._stands(one, told=False)
        )
        return next(taken, None)

    def manifests(self) -> Iterator[tuple[str, bytes]]:
        for name in self._there:
            data = self._read(self._at(name)) if name.endswith(MANIFEST_SUFFIX) else None
            if data is not None:
                yield name, data

    def put(self) -> None:
        """Uploads every part under a temporary name, then exchanges the sets; between the two there is no manifest."""
        self._sweep()
        for part in self.parts:
            self._upload(part)
        self._exchange()

    def _upload(self, part: Part) -> None:
        temporary = self._temporary(part)
        there = self._there.get(posixpath.basename(temporary))
        sent = min(there.st_size or 0, part.bytes) if there else 0
        start = max(sent - AGAIN_BYTES, 0)
        with self.artifact.open(part) as source:
            _skip(source, start)
            with self.client.open(temporary, "r+b" if start else "wb") as copy:
                copy.MAX_REQUEST_SIZE = self._request_bytes
                copy.set_pipelined(True)
                copy.seek(start)
                block = source.read(BLOCK_BYTES)
                while block:
                    following = source.read(BLOCK_BYTES)
                    copy.set_pipelined(bool(following))  # the last block waits for the answers to all of them
                    for at in range(0, len(block), self._request_bytes):
                        copy.write(block[at : at + self._request_bytes])
                    block = following
        if self.client.stat(temporary).st_size != part.bytes:
            self.client.remove(temporary)
            raise RetryableError(
                f"{part.name} did not arrive whole",
                where=self.where,
                remedy="if it stays so, ask who runs the server whether its disk is full",
            )
        if start and self._digest(temporary) != part.sha256:
            self.client.remove(temporary)
            raise RetryableError(f"{part.name} was changed while the connection was broken", where=self.where)

    def _exchange(self) -> None:
        old, shown = self._at(self.own_manifest), list[str]()
        before = self._read(old)
        stale = (names_in(before) | names_in(self._read(self._replaced))).difference(self.names)
        if before is not None:  # kept until the end: killed in between, it tells what is stale
            self._rename(old, self._replaced)
        for name in sorted(stale):
            self._remove(self._at(name))
        for part in self.parts:
            self._show(self._temporary(part), part.name, shown)
        if self.manifest_name:
            temporary = self._at(f"{self._own}manifest")
            with self.client.open(temporary, "wb") as file:
                file.write(self._data)
            self._show(temporary, self.manifest_name, shown)
        self._remove(self._replaced)

    def _show(self, temporary: str, name: str, shown: list[str]) -> None:
        """Gives a file its final name; `shown` are those that this attempt gave theirs."""
        if not self.only_new:
            self._rename(temporary, self._at(name))
            return
        try:
            self.client.rename(temporary, self._at(name))  # unlike posix-rename, it replaces nothing
        except OSError as error:
            if not said_failure(error) or not self._is_there(name):
                raise
            for one in shown:
                self._remove(self._at(one))
            raise CameBetween(name, self.where) from None
        shown.append(name)

    def _sweep(self) -> None:
        """Removes what earlier attempts left, but for uploads of these very parts."""
        wanted = {posixpath.basename(self._temporary(part)) for part in self.parts}
        for name in self._there:
            if name.startswith(self._own) and name not in wanted and self._at(name) != self._replaced:
                self._remove(self._at(name))

    def sweep_all(self) -> None:
        """Removes all that is not for readers; call it when the artifact stands there whole, or cannot be delivered."""
        for name in self.client.listdir(self.folder):
            if name.startswith(self._own):
                self._remove(self._at(name))

    def _stands(self, part: Part, told: bool) -> bool:
        """Whether the part is there; `told`: a manifest that came after it says so, its size is enough then."""
        there = self._there.get(part.name)
        if there is None or there.st_size != part.bytes:
            return False
        return told or self._digest(self._at(part.name)) == part.sha256

    def _digest(self, path: str) -> str:
        digest = hashlib.sha256()
        with self.client.open(path, "rb") as file:
            file.prefetch()
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def _read(self, path: str) -> bytes | None:
        try:
            with self.client.open(path, "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def _rename(self, old: str, new: str) -> None:
        try:
            self.client.posix_rename(old, new)
        except OSError as error:
            if not said_failure(error):
                raise
            self._remove(new)  # a server without posix-rename replaces nothing
            self.client.rename(old, new)

    def _is_there(self, name: str) -> bool:
        try:
            self.client.stat(self._at(name))
        except FileNotFoundError:
            return False
        return True

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self.client.remove(path)

    def _temporary(self, part: Part) -> str:
        return self._at(f"{self._own}{_short(part.name, part.sha256)}.tmp")

    def _at(self, name: str) -> str:
        return posixpath.join(self.folder, name)


def _short(*words: str) -> str:
    """What tells temporary names apart, whose length servers limit."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def said_failure(error: OSError) -> bool:
    """Whether the server answered that it could not, or does not know the request: paramiko tells no more than that."""
    return error.errno is None and not isinstance(error, TimeoutError) and "closed" not in str(error).lower()


def _is_openssh(client: paramiko.SFTPClient) -> bool:
    channel = client.get_channel()
    return channel is not None and "OpenSSH" in channel.get_transport().remote_version


def _skip(source: object, size: int) -> None:
    while size:
        size -= len(source.read(min(size, BLOCK_BYTES)))  # type: ignore[attr-defined]


def make_folders(client: paramiko.SFTPClient, folder: str) -> None:
    """Makes what is missing of `folder`."""
    for one in reversed(list(_upwards(folder))):
        try:
            client.stat(one)
        except FileNotFoundError:
            with suppress(OSError):  # another delivery makes it right now
                client.mkdir(one)
    client.stat(folder)


def deepest(client: paramiko.SFTPClient, folder: str) -> str:
    """The deepest part of `folder` that is there."""
    for one in _upwards(folder):
        with suppress(FileNotFoundError):
            client.stat(one)
            return one
    return "."


def _upwards(folder: str) -> Iterable[str]:
    while folder not in ("", "/", "."):
        yield folder
        folder = posixpath.dirname(folder)
