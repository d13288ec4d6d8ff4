"""What a store in a bucket owes beside the contract of all stores."""

from pathlib import Path

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.errors import DamagedArtifact, RetryableError, SettingsError
from export_pipelines.ledger import open_ledger
from export_pipelines.s3 import PIECE_BYTES
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, manifest_of
from export_pipelines_tests.artifacts.places import PLACES
from export_pipelines_tests.artifacts.test_store_contract import ARTIFACT


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3://key:secret@bucket/x", "keys do not belong into the URL"),
        ("s3://Bad_Bucket/x", "3 to 63 small letters"),
        ("s3://bucket/x?endpoint=http://h", 'did you mean "endpoint_url"'),
        ("s3://bucket/x?endpoint_url=ftp://h", "an endpoint is https://host"),
        ("s3://bucket/../x", 'without ".."'),
    ],
)
def test_a_url_of_a_bucket_that_cannot_be_is_refused(url: str, text: str) -> None:
    with pytest.raises(SettingsError) as told:
        open_store(url)
    assert text in str(told.value)
    assert "secret" not in str(told.value)


def test_a_part_streams_into_the_bucket_in_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = PLACES["s3"](tmp_path, monkeypatch)
    store, block = open_store(place.url), bytes(range(256)) * 4096
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        part = staging.open_part("large.bin")
        for _ in range(21):
            part.write(block)
        assert place.names() == [f"{ARTIFACT}/large.bin"]  # an upload that nobody sees
        with pytest.raises(DamagedArtifact, match="missing"):
            store.open(ARTIFACT, "large.bin")
        part.finish()
        staging.commit(manifest_of({"large.bin": block * 21}))
    with store.open(ARTIFACT, "large.bin") as file:
        assert file.read() == block * 21


def test_a_commit_whose_answer_was_lost_leaves_no_manifest_without_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = PLACES["s3"](tmp_path, monkeypatch)
    store = open_store(place.url)

    def lost(*given: object, **options: object) -> bool:
        put(*given, **options)
        raise RetryableError("the answer was lost")

    with pytest.raises(RetryableError), store.begin("daily", "2024-01-15", TOKEN) as staging:
        for name, data in PARTS.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        bucket = vars(staging)["bucket"]
        put = bucket.put
        monkeypatch.setattr(bucket, "put", lost)
        staging.commit(manifest_of())
    assert place.names() == []
    assert store.manifests() == []


def test_where_all_that_is_unfinished_goes_what_a_living_run_writes_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which runs live is known by locks of the ledger; without them nothing goes before its time."""
    place, locks = (
        PLACES["s3"](tmp_path, monkeypatch),
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}").locks,
    )
    dead = "daily/2024-01-01/20240101T000000Z-ffffff"
    place.write(f"{dead}/leads_part_1.csv", b"finished")
    place.unfinished(f"{dead}/leads_part_2.csv")
    assert open_store(place.url).sweep(all_unfinished=True) == []
    store, other = (open_store(place.url, hold=locks.hold) for _ in range(2))
    with store.begin("daily", "2024-01-15", TOKEN) as staging:
        for name, data in PARTS.items():
            part = staging.open_part(name)
            part.write(data)
            part.finish()
        assert other.sweep() == []
        assert other.sweep("weekly", all_unfinished=True) == []
        assert other.sweep(all_unfinished=True) == [dead]
        staging.commit(manifest_of())
    names = [f"{ARTIFACT}/{name}" for name in (*PARTS, "manifest.json")]
    assert other.sweep(all_unfinished=True) == [] and place.names() == names
    with store.amend(ARTIFACT) as amendment:
        amendment.open_part("large.bin").write(b"x" * (PIECE_BYTES + 1))
        assert other.sweep(all_unfinished=True) == []
    place.unfinished(f"{ARTIFACT}/large.bin")
    assert other.sweep(all_unfinished=True) == [ARTIFACT] and place.names() == names


def test_an_archive_is_no_place_for_a_store() -> None:
    with pytest.raises(SettingsError, match="cannot be read at once"):
        open_store("s3://bucket/x?storage_class=DEEP_ARCHIVE")
