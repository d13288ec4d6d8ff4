"""A part of an artifact as bytes that are proven against its manifest, and the headers that tell of it."""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from export_pipelines.artifacts import Manifest, Part, Store
from export_pipelines.artifacts.sealing.stream import OpenedPart
from export_pipelines.errors import DamagedArtifact, ExportError, RequestError, SettingsError
from export_pipelines.recipes.files import media_type_of
from export_pipelines.service.conditions import Representation, http_date
from export_pipelines.service.problems import Problem, problem_of

BLOCK_BYTES = 256 * 1024  # of a plain file, in the memory of each reader
UNPROVEN_BYTES = (
    1024 * 1024
)  # the same until it is proven: a smaller file that is damaged is refused, not broken off
PROOF_BYTES = 1024 * 1024

Identity = tuple[int, ...] | str


@dataclass
class Proofs:
    """Parts whose bytes were held against the manifest by this process, as their files were then."""

    _proven: dict[tuple[str, str], Identity] = field(default_factory=dict)

    def holds(self, artifact: str, name: str, identity: Identity) -> bool:
        return bool(identity) and self._proven.get((artifact, name)) == identity

    def add(self, artifact: str, name: str, identity: Identity) -> None:
        self._proven[artifact, name] = identity


@dataclass(frozen=True)
class FilePart:
    """One file of an artifact in `store`."""

    manifest: Manifest
    part: Part
    store: Store
    proofs: Proofs

    @property
    def representation(self) -> Representation:
        return Representation(f'"{self.part.sha256}"', self.manifest.created_at, self.part.bytes)

    def headers(self) -> dict[str, str]:
        """Those that are the same for all answers."""
        what = self.representation
        return {
            "ETag": what.etag,
            "Last-Modified": http_date(what.modified),
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache, no-transform",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(self.part.sha256)).decode()}:",
            "Content-Disposition": disposition(self.part.name),
            "Content-Type": media_type_of(self.manifest, self.part),
            "X-Content-Type-Options": "nosniff",
        }

    def open(self, start: int, end: int) -> "Reading | None":
        """None for a part of a plain file that was not proven: `prove` it first. Raises Problem for a file that is gone, and
        for one that is not as its manifest says, as far as that shows before all of it is read."""
        artifact, name = self.manifest.artifact, self.part.name
        file = self._opened(0 if self.is_sealed else start)
        identity = _identity(file)
        try:
            if self.is_sealed:
                file.seek(start)
                return Reading(self, file, start, None)
            if self.proofs.holds(artifact, name, identity):
                return Reading(self, file, start, None, identity)
            if start == 0 and end == self.part.bytes:
                return Reading(self, file, start, partial(self.proofs.add, artifact, name, identity))
        except BaseException:
            file.close()
            raise
        file.close()
        return None

    def prove(self) -> None:
        """Reads all of a plain file, unless it was proven meanwhile. Raises Problem for one that is not as its manifest says."""
        digest = hashlib.sha256()
        with self._opened(0) as whole:
            identity = _identity(whole)
            if self.proofs.holds(self.manifest.artifact, self.part.name, identity):
                return
            try:
                while block := whole.read(PROOF_BYTES):
                    digest.update(block)
            except ExportError as error:
                raise problem_of(error) from None
        if digest.hexdigest() != self.part.sha256:
            raise self.changed()
        self.proofs.add(self.manifest.artifact, self.part.name, identity)

    def changed(self) -> Problem:
        """That the file is another one."""
        return problem_of(_changed(self))

    def _opened(self, start: int) -> BinaryIO:
        try:
            self._require_stored()
            return self.store.open(self.manifest.artifact, self.part.name, start)
        except ExportError as error:
            is_gone = isinstance(error, RequestError) and not isinstance(error, SettingsError)
            raise (_gone() if is_gone else problem_of(error)) from None

    def presigned_url(self, valid_s: int) -> str | None:
        """Where the store itself gives the file; None where it does not. Raises Problem as `open` does."""
        artifact, name = self.manifest.artifact, self.part.name
        if self.is_sealed or not valid_s:
            return None
        try:
            url = self.store.presigned_url(artifact, name, valid_s, self.headers())
            if url:
                self._require_stored()
        except RequestError:
            raise _gone() from None
        except ExportError as error:
            raise problem_of(error) from None
        return url

    def _require_stored(self) -> None:
        """Raises Problem or DamagedArtifact unless the store has as many bytes as there should be."""
        artifact = self.manifest.artifact
        stored = self.store.files(artifact).get(self.part.stored_name)
        expected = self.part.sealed_bytes if self.part.sealed_sha256 else self.part.bytes
        if stored is None:
            raise _gone()
        if stored != expected:
            raise DamagedArtifact(
                f"the file has {stored} bytes, not {expected}", where=f"{artifact}/{self.part.name}"
            )

    @property
    def is_sealed(self) -> bool:
        """A sealed file proves each segment by itself."""
        return self.part.sealed_sha256 is not None


class Reading:
    """The bytes of a file from `start` on; the last of them only when all were proven, which `proven` is told. `identity` is
    that of a file which was proven before."""

    def __init__(
        self,
        file_part: FilePart,
        file: BinaryIO,
        start: int,
        proven: Callable[[], None] | None,
        identity: Identity = (),
    ) -> None:
        self._part, self._file, self._at, self._proven = file_part, file, start, proven
        self._raw: Any = getattr(file, "raw", file)  # blocks are large enough by themselves
        self._digest = hashlib.sha256() if proven else None
        self._identity = identity

    @property
    def proven_file(self) -> BinaryIO | None:
        """The file itself, which the kernel may send; None for one that has to be proven or opened on the way, or lies in a
        bucket."""
        return self._file if self._identity and _descriptor(self._file) is not None else None

    def require_same(self) -> None:
        """Raises DamagedArtifact for a proven file that was changed meanwhile."""
        if _identity(self._file) != self._identity:
            raise _changed(self._part)

    def read(self, end: int) -> memoryview:
        """The next block before `end`. Raises ExportError for what is not as its manifest says."""
        block = self._block(end - self._at)
        self._at += len(block)
        if not block:
            raise _changed(self._part)
        if self._digest:
            self._digest.update(block)
            if self._at == self._part.part.bytes:
                self._prove()
        return block

    @property
    def is_sealed(self) -> bool:
        """Whether its blocks are segments, which take more memory and can be opened again."""
        return isinstance(self._raw, OpenedPart)

    def release(self, unsent: int = 0) -> None:
        """Gives up the memory of a sealed file's segment; its last `unsent` bytes are read again."""
        self._at -= unsent
        self._raw.seek(self._at)
        self._raw.release()

    def _block(self, wanted: int) -> memoryview:
        """Of a sealed file what is left of a segment, which is in memory already."""
        if self.is_sealed:
            block: memoryview = self._raw.read_in_segment(wanted)
            return block
        most = UNPROVEN_BYTES if self._digest else BLOCK_BYTES
        return memoryview(self._raw.read(min(most, wanted)) or b"")

    def close(self) -> None:
        self._file.close()

    def _prove(self) -> None:
        assert self._digest and self._proven
        if self._digest.hexdigest() != self._part.part.sha256:
            raise _changed(self._part)
        self._proven()


def _identity(file: BinaryIO) -> Identity:
    """Of the file behind a plain part, or of a bucket's object; empty where nothing tells it from another."""
    descriptor = _descriptor(file)
    if descriptor is None:
        return str(getattr(getattr(file, "raw", file), "etag", ""))
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (OSError, AttributeError):
        return None


def _changed(file_part: FilePart) -> DamagedArtifact:
    return DamagedArtifact(
        "the file is not what its manifest says",
        where=f"{file_part.manifest.artifact}/{file_part.part.name}",
        remedy="export-pipelines verify names what is wrong; run the export again",
    )


def _gone() -> Problem:
    return Problem(410, "gone", "the file is not kept any more")


def disposition(name: str) -> str:
    """Both spellings of a file's name (RFC 6266)."""
    plain = "".join(
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\%' else "_" for sign in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
