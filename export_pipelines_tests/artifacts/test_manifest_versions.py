"""Manifests outlive the release that wrote them: what earlier ones stored is read, and what later ones add does no harm."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifacts import MANIFEST_NAME, Manifest, open_store, verify
from export_pipelines.delivery import Artifact
from export_pipelines.errors import DamagedArtifact
from export_pipelines.ledger import open_ledger
from export_pipelines_tests.artifacts.build import AT, manifest_of

GOLDEN = Path(__file__).parent / "golden"
HOMES = sorted(
    GOLDEN.glob("*.tar.xz")
)  # exports/, artifacts and ledger, as a release left them in .export_pipelines/


def with_digest(content: dict[str, Any]) -> bytes:
    """The file of a manifest as another release would write it: its digest is over its own keys."""
    rest = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}, indent=2).encode()


def stored_by_another() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(manifest_of().to_json())
    return content


@pytest.fixture(params=HOMES, ids=lambda file: file.name.removesuffix(".tar.xz"))
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / ".export_pipelines"


def test_artifacts_of_earlier_releases_are_listed_verified_and_read(home: Path) -> None:
    store = open_store(str(home / "artifacts"))
    listing = store.listing()
    assert listing.damaged == {}
    assert len(listing.manifests) == 5
    for manifest in listing.manifests:
        assert verify(store, manifest.artifact) == []
        for part in manifest.parts:
            with Artifact(manifest, store, AT).open(part) as stream:
                assert len(stream.read()) == part.bytes


def test_a_manifest_of_an_earlier_release_is_given_out_as_it_is_stored(home: Path) -> None:
    store = open_store(str(home / "artifacts"))
    for manifest in store.listing().manifests:
        stored = (home / "artifacts" / manifest.artifact / MANIFEST_NAME).read_bytes()
        assert manifest.to_json() == stored


def test_a_ledger_of_an_earlier_release_still_knows_what_was_delivered(home: Path) -> None:
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}")
    states = {(delivery.artifact.split("/")[0], delivery.state) for delivery in ledger.deliveries()}
    assert ("daily_leads", "delivered") in states
    assert ("spoiled", "retrying") in states


def test_keys_that_a_later_release_adds_are_kept_and_not_asked_about() -> None:
    content = stored_by_another()
    content |= {"signed_by": "a later release"}
    content["parts"][0] |= {"encrypted": False}
    content["columns"][0] |= {"unit": "ms"}
    manifest = Manifest.from_json(with_digest(content), "here")
    assert manifest.rows == manifest_of().rows
    assert json.loads(manifest.to_json()) == json.loads(with_digest(content))


def test_a_key_that_an_earlier_release_did_not_write_has_its_default() -> None:
    content = stored_by_another()
    for key in ("format_version", "options", "masked_values", "seconds", "schema_changed"):
        content.pop(key, None)
    manifest = Manifest.from_json(with_digest(content), "here")
    assert (manifest.format_version, manifest.masked_values, manifest.options) == (1, 0, {})
    assert json.loads(manifest.to_json()) == json.loads(with_digest(content))


def test_an_added_key_is_part_of_what_the_digest_covers() -> None:
    content = json.loads(with_digest(stored_by_another() | {"signed_by": "a later release"}))
    changed = json.dumps(content | {"signed_by": "somebody else"}).encode()
    with pytest.raises(DamagedArtifact, match="its digest does not match"):
        Manifest.from_json(changed, "here")


def test_a_format_to_come_is_refused_by_name() -> None:
    with pytest.raises(DamagedArtifact, match="has format 2, this release reads format 1"):
        Manifest.from_json(with_digest(stored_by_another() | {"format_version": 2}), "here")


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_object_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedArtifact, match="the manifest cannot be read"):
        Manifest.from_json(data, "here")
