"""A manifest for each folder of a stream's objects whose hour is over, so that readers know what is whole."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from export_pipelines.ledger.streams import Lease, StreamObject
from export_pipelines.streaming.sink import Intention, Sink


@runtime_checkable
class ListsObjects(Protocol):
    """A sink that keeps objects in folders."""

    def folder_of(self, intention: Intention) -> str: ...

    def folder_at(self, at: datetime) -> str: ...

    def put_manifest(self, folder: str, objects: Sequence[Intention]) -> None: ...


def put_manifests(lease: Lease, sink: Sink, now: datetime) -> None:
    """Lists the objects of folders that get no more: an object lies in the folder of its time, and times never go back. `now` is
    not before the time of the newest object. Raises FatalError where another manifest is there."""
    if not isinstance(sink, ListsObjects):
        return
    folders: dict[str, list[StreamObject]] = {}
    for stored in lease.unlisted():
        folders.setdefault(sink.folder_of(_intention(stored)), []).append(stored)
    for folder, members in folders.items():
        if folder != sink.folder_at(now):
            sink.put_manifest(folder, [_intention(member) for member in members])
            lease.listed([member.place for member in members])


def _intention(stored: StreamObject) -> Intention:
    """What was intended with an object that is there."""
    return {
        "key": stored.place,
        "sha256": stored.sha256,
        "rows": stored.rows,
        "bytes": stored.bytes,
        "first": stored.first_sequence,
        "last": stored.last_sequence,
    }
