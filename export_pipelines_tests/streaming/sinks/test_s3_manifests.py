"""Manifests of the objects of a stream."""

import gzip
import hashlib
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from export_pipelines.errors import FatalError
from export_pipelines.s3 import Bucket
from export_pipelines.streaming.sink import Intention
from export_pipelines.streaming.sinks.s3 import S3Sink
from export_pipelines_tests.streaming.sinks.cursor import Cursor
from export_pipelines_tests.streaming.sinks.places import Place
from export_pipelines_tests.streaming.sinks.samples import AT, ENVELOPE
from export_pipelines_tests.streaming.sinks.test_s3_sink import commit, keys, rows_of, sink_of


def folder_and_objects(place: Place) -> tuple[S3Sink, str, Sequence[Intention]]:
    sink, store = sink_of(place), list[Intention]()
    for first in (0, 10, 20):
        commit(sink, 10, first, AT, store)
    return sink, sink.folder_of(store[0]), store


def test_a_manifest_lists_the_objects_of_a_folder(place: Place, bucket: Bucket) -> None:
    sink, folder, objects = folder_and_objects(place)
    for _ in range(2):  # an equal one may be there
        sink.put_manifest(folder, objects[::-1])
    manifest = json.loads(bucket.read(f"{folder}{ENVELOPE.export}-manifest.json") or b"")
    assert (manifest["export"], manifest["rows"], folder) == ("events", 30, "events/2024-01-15/10/")
    for entry in manifest["objects"]:
        data = bucket.read(folder + entry["name"]) or b""
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
        sequences = [json.loads(line)["sequence"] for line in gzip.decompress(data).splitlines()]
        assert sequences == list(range(entry["first_sequence"], entry["last_sequence"] + 1))
        assert len(sequences) == entry["rows"]
    names = {folder + entry["name"] for entry in manifest["objects"]}
    assert names == set(keys(bucket)) - {f"{folder}{ENVELOPE.export}-manifest.json"}


def test_another_manifest_is_not_replaced(place: Place, bucket: Bucket) -> None:
    sink, folder, objects = folder_and_objects(place)
    sink.put_manifest(folder, objects[:2])
    before = bucket.read(f"{folder}{ENVELOPE.export}-manifest.json")
    with pytest.raises(FatalError, match="another manifest is there"):
        sink.put_manifest(folder, objects)
    assert bucket.read(f"{folder}{ENVELOPE.export}-manifest.json") == before


def test_a_manifest_of_other_folders_or_doubled_sequences_is_refused(place: Place) -> None:
    sink, folder, objects = folder_and_objects(place)
    with pytest.raises(ValueError, match="does not belong"):
        sink.put_manifest("events/2024-01-15/11/", objects)
    with pytest.raises(ValueError, match="does not belong"):
        sink.put_manifest(folder, [*objects, objects[0]])


@pytest.mark.parametrize("seed", [1, 2])
def test_manifests_of_a_stream_with_faults_hold_each_sequence_once(
    place: Place, bucket: Bucket, seed: int
) -> None:
    cursor = Cursor(rows_of(2000), seed, at=datetime(2024, 1, 15, 23, 10, tzinfo=UTC), most=150)
    sink, chance = sink_of(place), random.Random(seed)
    while cursor.position < len(cursor.rows):
        if chance.random() < 0.4:
            place.fail(chance.choice(["cut", "reset", "lost"]))
        cursor.advance(sink)
    folders = {sink.folder_of(intention) for intention in cursor.arrived}
    assert len(folders) > 1
    for folder in folders:
        sink.put_manifest(folder, [entry for entry in cursor.arrived if sink.folder_of(entry) == folder])
    listed = [
        entry
        for key in keys(bucket)
        if key.endswith("-manifest.json")
        for entry in json.loads(bucket.read(key) or b"")["objects"]
    ]
    spans = sorted((entry["first_sequence"], entry["last_sequence"]) for entry in listed)
    assert [n for first, last in spans for n in range(first, last + 1)] == list(range(2000))
    assert len(keys(bucket)) == len(listed) + len(folders)
