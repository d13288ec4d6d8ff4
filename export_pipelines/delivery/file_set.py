"""One artifact's files among others at a place of readers: what every kind of place asks before it puts them there."""

import json
from collections.abc import Callable, Iterable
from itertools import count
from typing import Protocol

from export_pipelines.definition.destinations.settings import Overwrite
from export_pipelines.delivery.artifact import MANIFEST_SUFFIX, Artifact
from export_pipelines.delivery.places import versioned
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import RequestError

PREFIX = ".export_pipelines-"  # of everything here that is not for readers


class CameBetween(RequestError):
    """Another delivery's file came where nothing was when this one looked."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(
            f"another delivery's {name} came there in between",
            where=where,
            remedy="move it away, or say `overwrite: replace` or `overwrite: version`",
        )


class FileSet(Protocol):
    """The files of one artifact at one place, `where`; `names` are those of its parts there, in their order, and
    `own_manifest` is that of its manifest, also where it is not delivered (`manifest_name` is None then).

    holds_it:  whether this very artifact is already there, whole.
    taken:     a file of another set that stands where this one would, or None.
    manifests: name -> bytes of the manifests that are delivered there.
    put:       brings it there; DamagedArtifact with nothing changed when a part is not what the manifest says,
               CameBetween when a file came there meanwhile that has to stay.
    """

    where: str
    names: tuple[str, ...]
    own_manifest: str

    @property
    def manifest_name(self) -> str | None: ...

    def holds_it(self) -> bool: ...

    def taken(self) -> str | None: ...

    def manifests(self) -> Iterable[tuple[str, bytes]]: ...

    def put(self) -> None: ...


def bring(there: FileSet, overwrite: Overwrite) -> bool:
    """Brings the set there unless it is; False when another one is there and this one belongs beside it.

    Raises RequestError when another one is there and has to stay.
    """
    if there.holds_it():
        return True
    taken = there.taken() if overwrite != "replace" else None
    if taken and overwrite == "version":
        return False
    if taken:
        raise RequestError(
            f"another delivery's {taken} is already there",
            where=there.where,
            remedy="move it away, or say `overwrite: replace` or `overwrite: version`",
        )
    _demand_own(there)
    try:
        there.put()
    except CameBetween:
        if overwrite == "version":
            return False
        raise
    return True


def _demand_own(there: FileSet) -> None:
    """Raises RequestError when another export delivered a file that this one would replace."""
    for name, data in sorted(there.manifests()):
        shared = sorted(names_in(data).intersection(there.names)) if name != there.own_manifest else ()
        if shared:
            raise RequestError(
                f"{shared[0]} there belongs to export {name.removesuffix(MANIFEST_SUFFIX)}",
                where=there.where,
                remedy="put {{export}} into the path or into `naming:`",
            )


def first_version(name: str, send: Callable[[str], Receipt | None]) -> Receipt:
    """The receipt of `send(name)`, or of the first of `name_v2`, `name_v3`, ... that gives one."""
    for number in count(1):
        if receipt := send(versioned(name, number, name)):
            return receipt
    raise AssertionError("count() does not end")


def manifest_name_of(artifact: Artifact, names: Iterable[str]) -> str:
    """The name under which the manifest is delivered. Raises RequestError when a part has it, or two have one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen or name == artifact.manifest_name:
            what = (
                f'two parts have the name "{name}"'
                if name in seen
                else f'a part has the name of the delivered manifest, "{name}"'
            )
            raise RequestError(what, where=artifact.manifest.artifact, remedy="choose another `naming:`")
        seen.add(name)
    return artifact.manifest_name


def names_in(manifest: bytes | None) -> set[str]:
    """The parts that a delivered manifest lists, plain names only; none when it cannot be read."""
    try:
        names = {str(part["name"]) for part in json.loads(manifest or b"")["parts"]}
    except (ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if name and "/" not in name and name not in (".", "..")}


def receipt_of(artifact: Artifact, kind: str, target: str, files: Iterable[str]) -> Receipt:
    """The receipt of an artifact that stands at `target` as `files`."""
    return Receipt(
        kind=kind,
        target=target,
        artifact=artifact.manifest.artifact,
        files=tuple(files),
        bytes=artifact.manifest.bytes,
        sha256=artifact.manifest_sha256,
        at=artifact.at,
    )
