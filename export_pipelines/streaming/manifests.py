"""A manifest for each folder of a stream's objects whose hour is over, so that readers know what is whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol, runtime_checkable

from export_pipelines.ledger.streams import Lease, StreamObject
from export_pipelines.streaming.sink import Intention, Sink

SETTLED = timedelta(seconds=30)  # after the last object of a folder, in a later hour


@runtime_checkable
class ListsObjects(Protocol):
    """A sink that keeps objects in folders."""

    def folder_of(self, intention: Intention) -> str: ...

    def put_manifest(self, folder: str, objects: Sequence[Intention]) -> None: ...


def put_manifests(lease: Lease, sink: Sink, now: datetime) -> None:
    """Lists the objects of folders that get no more."""
    if not isinstance(sink, ListsObjects):
        return
    objects = lease.unlisted()
    for folder, members in groupby(objects, key=lambda member: sink.folder_of(_intention(member))):
        listed = list(members)
        if is_over(listed[-1].at, now):
            sink.put_manifest(folder, [_intention(member) for member in listed])
            lease.listed([member.place for member in listed])


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


def is_over(last: datetime, now: datetime) -> bool:
    """Whether the hour of a folder whose last object was put at `last` has passed."""
    end = last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return now >= end + SETTLED
