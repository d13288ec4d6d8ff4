"""What a store of artifacts owes its callers, and the table of the kinds of store there are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self
from urllib.parse import unquote, urlsplit

from export_pipelines.artifacts.folder.store import FolderStore
from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.errors import SettingsError, not_installed

if TYPE_CHECKING:
    from export_pipelines.artifacts.lead_index import LeadIndexWriter
    from export_pipelines.run.part_writer import PartSink
    from export_pipelines.s3 import ClientOf


class Staging(Protocol):
    """An artifact in the making: a context that leaves nothing behind unless `commit` was reached.

    open_part: a new part; the part stands under its name once its `finish` returned, durable.
    commit:    writes the manifest, last and atomically, and returns it as it stands. Only then is there an artifact. Parts that the manifest
               does not list are removed; a part that it lists and that is not there, whole, refuses the commit.
    abort:     removes everything; harmless when called twice or after a commit.
    journal:   where the progress of the run is kept, so that another one goes on with its parts; None where there is none.
    lead_index: where the marks of the leads go, as the rows do; None where the artifact is to have no index.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def open_part(self, name: str) -> "PartSink": ...

    def commit(self, manifest: Manifest) -> Manifest: ...

    def abort(self) -> None: ...

    def lead_index(self) -> "LeadIndexWriter | None": ...

    def journal(self) -> "Journal | None": ...


class Journal(Protocol):
    """The progress of a run, kept with its finished parts.

    write:     puts `data` in the place of what was there, durable, after the parts that are finished.
    earlier:   what runs of the same window left that ended early, the newest first, by their artifacts.
    take_over: the finished parts of an earlier one are parts of this artifact; False where another run was faster.
    discard:   removes what such runs left.
    """

    def write(self, data: bytes) -> None: ...

    def earlier(self) -> Mapping[str, bytes]: ...

    def take_over(self, artifact: str, names: Iterable[str]) -> bool: ...

    def discard(self) -> None: ...


class Store(Protocol):
    """Where artifacts live. **No manifest, no artifact**: nothing else is ever listed, opened or delivered.

    A store is used by several processes at once. Nothing but `amend` changes an artifact that was committed. Its own
    failures (full, not writable, gone) are StoreError, or RetryableError where they may pass; an artifact that it does
    not know is RequestError.

    begin:     a Staging for artifact `<export>/<window key>/<token>`; token is `YYYYMMDDTHHMMSSZ-<6 hex>`.
    amend:     a Staging that gives a committed artifact another manifest: its files are written beside the old ones, which
               go once `commit` has put the manifest in the place of the one before. Ended anywhere, the artifact is as it
               was or as it is to be; what is left beside it is no part of it.
    artifacts: the names of artifacts, none of which is read; of windows whose keys are not before `first` and not after `last`.
    read:      the artifacts of these names, newest first by `recency`, and, named with their faults, those whose manifest is damaged; what was
               removed meanwhile is left out.
    listing:   all of them.
    manifests: the whole ones of `listing`.
    is_empty:  whether there is no artifact at all, damaged ones included.
    latest:    the newest whole one of an export, by `recency`.
    manifest:  one artifact's manifest; DamagedArtifact when it was cut or edited.
    files:     name -> bytes of everything that lies in an artifact, its manifest left out.
    open:      a part from byte `start`, as often as asked, as it is delivered.
    open_stored: the same as it lies there, sealed where it is.
    presigned_url: where anybody may fetch an unsealed part for `valid_s` seconds, from the store itself, with these headers
               of the answer; None where the store or the part has none.
    remove:    takes an artifact away, the manifest first.
    sweep:     removes what killed runs left, of one export or of all (a staging whose writer is dead, temporary files,
               parts that no manifest knows), never anything of a living run; returns what it removed, and raises StoreError after the
               rest was removed. What another run may
               go on with is kept for some hours, and in a bucket everything for a week, unless `all_unfinished`.
    holds:     whether a local path lies inside the store, where nobody else may write.
    location:  where the files of an artifact lie, for people.
    """

    def begin(self, export: str, window_key: str, token: str) -> Staging: ...

    def amend(self, artifact: str) -> Staging: ...

    def artifacts(
        self, export: str | None = None, first: str = "", last: str | None = None
    ) -> Sequence[str]: ...

    def read(self, artifacts: Iterable[str]) -> Listing: ...

    def listing(self, export: str | None = None) -> Listing: ...

    def is_empty(self) -> bool: ...

    def manifests(self, export: str | None = None) -> list[Manifest]: ...

    def latest(self, export: str) -> Manifest | None: ...

    def manifest(self, artifact: str) -> Manifest: ...

    def files(self, artifact: str) -> Mapping[str, int]: ...

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO: ...

    def open_stored(self, artifact: str, part_name: str) -> BinaryIO: ...

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None: ...

    def remove(self, artifact: str) -> None: ...

    def sweep(self, export: str | None = None, all_unfinished: bool = False) -> list[str]: ...

    def holds(self, path: Path) -> bool: ...

    def location(self, artifact: str) -> str: ...


HoldLock = Callable[[str], AbstractContextManager[bool]]


def open_store(url: str, s3_client: "ClientOf | None" = None, hold: HoldLock | None = None) -> Store:
    """The store at `url`: a folder's path, `file:///folder` or `s3://bucket/prefix`; nothing is made before the first run.

    `s3_client` gives boto3's client for a bucket, unless the URL says how it is reached. `hold` holds the lock of a name,
    which dies with its holder: by it a store without locks of its own knows which runs live.

    Raises SettingsError for another kind of URL.
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme not in SCHEMES:
        raise SettingsError(
            f"no artifact store of kind {scheme}:// is built in; a folder and a bucket are",
            where="EXPORT_PIPELINES_STORE_URL",
            remedy="give a folder's path, file:///path/of/the/folder or s3://bucket/prefix",
        )
    return SCHEMES[scheme](url, s3_client, hold)


def _file_url(url: str, _: "ClientOf | None", __: HoldLock | None) -> Store:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise SettingsError(
            f'a file URL names a folder of this machine, this one names "{parts.netloc}"',
            where="EXPORT_PIPELINES_STORE_URL",
            remedy="three slashes: file:///path/of/the/folder",
        )
    return FolderStore(Path(unquote(parts.path)))


def _path(url: str, _: "ClientOf | None", __: HoldLock | None) -> Store:
    try:
        return FolderStore(Path(url).expanduser())
    except RuntimeError as error:
        raise SettingsError(
            f'"{url}" names the home of an unknown user',
            where="EXPORT_PIPELINES_STORE_URL",
            remedy="write the folder out in full",
        ) from error


def _s3(url: str, client: "ClientOf | None", hold: HoldLock | None) -> Store:
    if find_spec("boto3") is None:
        raise not_installed("boto3", "s3", "EXPORT_PIPELINES_STORE_URL")
    from export_pipelines.artifacts.s3.store import s3_store

    return s3_store(url, client, hold)


SCHEMES: dict[str, Callable[[str, "ClientOf | None", HoldLock | None], Store]] = {
    "": _path,
    "file": _file_url,
    "s3": _s3,
}
