"""One artifact's files among others at a place of readers: what every kind of place asks before it puts them there."""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Protocol

from export_pipelines.definition.destinations.settings import Overwrite
from export_pipelines.delivery.artifact import MANIFEST_SUFFIX, Artifact
from export_pipelines.delivery.destination import Journal
from export_pipelines.delivery.places import versioned
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import DamagedArtifact, RequestError

log = logging.getLogger(__name__)

PREFIX = ".export_pipelines-"  # of everything here that is not for readers


class CameBetween(RequestError):
    """Another delivery's file came where nothing was when this one looked."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(
            f"another delivery's {name} came there in between",
            where=where,
            remedy="move it away, or say `overwrite: replace` or `overwrite: version`",
        )


@dataclass(frozen=True)
class Wanted:
    """What is to stand under one name."""

    size: int
    sha256: str


class FileSet(Protocol):
    """The files of one artifact at one place, `where`.

    export:       whose they are.
    wanted:       name -> what is to stand there, in order; the manifest last, where it is delivered.
    own_manifest: the name of the manifest, also where it is not delivered.
    sizes:        name -> bytes of all that stands there; None where the place does not tell.
    read:         a small file that stands there.
    digest:       SHA-256 of a file that stands there, of its bytes as they are read back.
    said:         the same, where the place can tell it without that.
    kept:         the manifest of the set that a killed delivery was exchanging, or None.
    put:          brings the files `missing`, and removes `gone`; DamagedArtifact with nothing changed when a part is not
                  what the manifest says, CameBetween when a file came there meanwhile that has to stay.
    tidy:         removes what is not for readers, as far as the place lets it; raises nothing.
    """

    where: str
    export: str
    wanted: Mapping[str, Wanted]
    own_manifest: str

    @property
    def sizes(self) -> Mapping[str, int | None]: ...

    def read(self, name: str) -> bytes: ...

    def digest(self, name: str) -> str: ...

    def said(self, name: str) -> str: ...

    def kept(self) -> bytes | None: ...

    def put(self, missing: Collection[str], gone: Collection[str]) -> None: ...

    def tidy(self) -> None: ...


def bring(file_set: FileSet, overwrite: Overwrite, journal: Journal) -> bool:
    """Brings the set there unless it is; False when another one is there and this one belongs beside it.

    Replaces and removes only what the ledger knows as delivered there by the same export. Raises RequestError, with
    nothing changed, where anything else is in the way.
    """
    standing = [name for name in file_set.wanted if name in file_set.sizes]
    equal = {name for name in standing if _is_equal(file_set, name)}
    if len(equal) < len(file_set.wanted):
        if any(name not in equal for name in standing) and overwrite == "version":
            return False
        gone = _replaceable(file_set, overwrite, journal, standing, equal)
        missing = [name for name in file_set.wanted if name not in equal or name == file_set.own_manifest]
        log.debug(
            "exchanging files", extra={"export": file_set.export, "missing": len(missing), "gone": len(gone)}
        )
        journal.placing(
            file_set.where,
            file_set.export,
            {name: wanted_file.sha256 for name, wanted_file in file_set.wanted.items()},
        )
        try:
            file_set.put(missing, gone)
        except (DamagedArtifact, CameBetween) as error:
            file_set.tidy()
            if isinstance(error, CameBetween) and overwrite == "version":
                return False
            raise
    file_set.tidy()
    return True


def _is_equal(file_set: FileSet, name: str) -> bool:
    wanted = file_set.wanted[name]
    return file_set.sizes[name] in (None, wanted.size) and file_set.digest(name) == wanted.sha256


def _replaceable(
    file_set: FileSet, overwrite: Overwrite, journal: Journal, standing: Iterable[str], equal: Collection[str]
) -> list[str]:
    """What of the set before has no place in this one. Raises RequestError for what stands in its way."""
    owners = _Owners(file_set, journal)
    for name in standing:
        exports = owners.of(name, file_set.wanted[name].sha256 if name in equal else file_set.said(name))
        others = sorted(exports - {file_set.export})
        if others and file_set.export not in exports:
            raise RequestError(
                f"{name} there belongs to export {others[0]}",
                where=file_set.where,
                remedy="put {{export}} into the path or into `naming:`",
            )
        if name in equal:
            continue
        if overwrite == "never":
            raise RequestError(
                f"another delivery's {name} is already there",
                where=file_set.where,
                remedy="move it away, or say `overwrite: replace` or `overwrite: version`",
            )
        if not exports:
            raise RequestError(
                f"{name} stands there and is not, or no longer, what this program delivered: it is not replaced",
                where=file_set.where,
                remedy="look whose it is and move it away, or say `overwrite: version`; then: export-pipelines deliver ARTIFACT",
            )
    before = {name: sha256 for block in owners.before for name, sha256 in listed_in(block).items()}
    gone = [
        name
        for name, sha256 in before.items()
        if name in file_set.sizes and name not in file_set.wanted and file_set.said(name) == sha256
    ]
    retired = file_set.own_manifest not in file_set.wanted and file_set.own_manifest in owners.believed
    return [*gone, *([file_set.own_manifest] if retired else [])]


class _Owners:
    """Which exports delivered what at a place: as the ledger says, and the manifests there whose digests it knows.

    believed: name -> bytes of these manifests. before: those of this export, of the set that is there or was exchanged. The
    ledger is not asked about a place where nothing stands.
    """

    def __init__(self, file_set: FileSet, journal: Journal) -> None:
        self._file_set, self._journal = file_set, journal
        self.believed = dict(self._believed(file_set))
        manifests = [(name, data) for name, data in self.believed.items()]
        kept = file_set.kept()
        if kept is not None and self.of(file_set.own_manifest, _sha256(kept)):
            manifests.append((file_set.own_manifest, kept))
        self.before = [data for name, data in manifests if name == file_set.own_manifest]
        for name, data in manifests:
            exports = self.of(name, _sha256(data))
            for part, sha256 in listed_in(data).items():
                self._exports[part, sha256] |= exports

    @cached_property
    def _exports(self) -> dict[tuple[str, str], set[str]]:
        exports: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name, sha256, export in self._journal.placed(self._file_set.where):
            exports[name, sha256].add(export)
        return exports

    def of(self, name: str, sha256: str) -> set[str]:
        return self._exports.get((name, sha256), set())

    def _believed(self, file_set: FileSet) -> Iterator[tuple[str, bytes]]:
        manifests = {name for name in file_set.sizes if name.endswith(MANIFEST_SUFFIX)}
        for name in sorted(manifests and manifests.intersection(name for name, _ in self._exports)):
            data = file_set.read(name)
            if self.of(name, _sha256(data)):
                yield name, data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def first_version(name: str, send: Callable[[str], Receipt | None]) -> Receipt:
    """The receipt of `send(name)`, or of the first of `name_v2`, `name_v3`, ... that gives one."""
    for number in count(1):
        if receipt := send(versioned(name, number, name)):
            return receipt
    raise AssertionError("count() does not end")


def manifest_name_of(artifact: Artifact, names: Iterable[str]) -> str:
    """The name under which the manifest is delivered. Raises RequestError when a file has it, or two have one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen or name == artifact.manifest_name:
            what = (
                f'two files have the name "{name}"'
                if name in seen
                else f'a file has the name of the delivered manifest, "{name}"'
            )
            raise RequestError(what, where=artifact.manifest.artifact, remedy="choose another `naming:`")
        seen.add(name)
    return artifact.manifest_name


def wanted_of(artifact: Artifact, names: Iterable[str], manifest: bytes | None) -> Mapping[str, Wanted]:
    """The artifact's files under `names`, in their order, and the bytes of its manifest where it is delivered."""
    files = zip(names, artifact.files, strict=True)
    wanted = {name: Wanted(file.bytes, file.sha256) for name, file in files}
    if manifest is not None:
        wanted[artifact.manifest_name] = Wanted(len(manifest), hashlib.sha256(manifest).hexdigest())
    return wanted


def digests_of(wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Name -> SHA-256, for a receipt."""
    return {name: file.sha256 for name, file in wanted.items()}


def listed_in(manifest: bytes) -> dict[str, str]:
    """Name -> SHA-256 of the files that a delivered manifest lists, plain names only; none when it cannot be read."""
    try:
        content = json.loads(manifest)
        files = [*content["parts"], *content.get("recipe_files", ())]
        listed = {str(file["name"]): str(file["sha256"]) for file in files}
    except (ValueError, KeyError, TypeError):
        return {}
    return {
        name: sha256
        for name, sha256 in listed.items()
        if name and "/" not in name and name not in (".", "..")
    }
