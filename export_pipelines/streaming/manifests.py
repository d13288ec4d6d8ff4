"""A manifest for each folder of a stream's objects whose hour is over, so that readers know what is whole."""

from datetime import datetime, timedelta
from itertools import groupby
from pathlib import PurePosixPath
from typing import Protocol, runtime_checkable

from export_pipelines.ledger.streams import Lease, StreamObject
from export_pipelines.streaming.sink import Sink

SETTLED = timedelta(seconds=30)  # after the last object of a folder, in a later hour


@runtime_checkable
class ListsObjects(Protocol):
    """A sink that keeps objects in folders."""

    def put_manifest(self, folder: str, objects: list[StreamObject]) -> None: ...


def put_manifests(lease: Lease, sink: Sink, now: datetime) -> None:
    """Lists the objects of folders that get no more."""
    if not isinstance(sink, ListsObjects):
        return
    for folder, objects in groupby(lease.unlisted(), key=lambda item: str(PurePosixPath(item.place).parent)):
        members = list(objects)
        if is_over(members[-1].at, now):
            sink.put_manifest(folder, members)
            lease.listed([member.place for member in members])


def is_over(last: datetime, now: datetime) -> bool:
    """Whether the hour of a folder whose last object was put at `last` has passed."""
    end = last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return now >= end + SETTLED
