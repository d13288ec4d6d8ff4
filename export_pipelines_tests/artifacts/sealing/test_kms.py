"""A master key of AWS KMS, on moto's server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.artifacts import open_store, verify
from export_pipelines.artifacts.sealing import MasterKeys, SealedStore
from export_pipelines.errors import ExportError, KeyRefused, RetryableError, SealedArtifact, SettingsError
from export_pipelines.key_versions import key_versions
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.kms import Kms, kms_server
from export_pipelines_tests.artifacts.build import PARTS, TOKEN, stored
from export_pipelines_tests.artifacts.sealing.test_store import ARTIFACT, LATER, NOW, contents

LOCAL = "a key that is no secret, of 32 bytes and more"
NO_KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def server() -> Iterator[Kms]:
    with kms_server() as made:
        yield made


@pytest.fixture
def kms(server: Kms, monkeypatch: pytest.MonkeyPatch) -> Kms:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def masters(*values: str) -> MasterKeys:
    """Of MASTER_KEY, MASTER_KEY_2, ..."""
    names = ("EXPORT_PIPELINES_MASTER_KEY" + (f"_{n}" if n > 1 else "") for n in range(1, len(values) + 1))
    held = MasterKeys.of(
        key_versions(dict(zip(names, values, strict=True)), "MASTER_KEY", Path("/"), Path("/none"))
    )
    assert held is not None
    return held


def uri(arn: str) -> str:
    return f"aws-kms://{arn}"


@pytest.fixture
def keys(tmp_path: Path) -> LedgerKeys:
    from export_pipelines.ledger import open_ledger

    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    return LedgerKeys(lambda: ledger.engine)


def store_of(tmp_path: Path, keys: LedgerKeys, *values: str) -> SealedStore:
    return SealedStore(open_store(str(tmp_path / "artifacts")), keys, masters(*values))


def test_artifacts_are_sealed_under_a_key_of_kms(kms: Kms, tmp_path: Path, keys: LedgerKeys) -> None:
    arn = kms.new_key()
    stored(store_of(tmp_path, keys, uri(arn)))
    store = store_of(tmp_path, keys, uri(arn))
    assert contents(store) == PARTS and verify(store, ARTIFACT) == []
    (key,) = keys.all()
    assert key.master == uri(arn)


def test_the_wrapped_key_is_bound_to_its_artifact(kms: Kms, tmp_path: Path, keys: LedgerKeys) -> None:
    store = store_of(tmp_path, keys, uri(kms.new_key()))
    stored(store)
    stored(store, token=LATER)
    first, second = keys.all()
    keys.replace([type(first)(first.artifact, second.master, second.wrapped)])
    with pytest.raises(SettingsError, match="the ledger's entry was changed"):
        contents(store)
    opened = kms.client.decrypt(
        CiphertextBlob=second.wrapped,
        EncryptionContext={"purpose": "export_pipelines data key", "artifact": second.artifact},
    )
    assert len(opened["Plaintext"]) == 32


def test_parts_and_ranges_of_an_artifact_are_one_request(
    kms: Kms, tmp_path: Path, keys: LedgerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path, keys, uri(kms.new_key()))
    stored(store)
    contents(store)
    monkeypatch.setattr(type(store.masters.active), "_ask", lambda *_: pytest.fail("asked again"))  # type: ignore[union-attr]
    assert contents(store) == PARTS


def test_a_destroyed_data_key_opens_nothing_though_it_was_opened_before(
    kms: Kms, tmp_path: Path, keys: LedgerKeys
) -> None:
    store = store_of(tmp_path, keys, uri(kms.new_key()))
    stored(store)
    assert contents(store) == PARTS
    keys.destroy([ARTIFACT], NOW)
    with pytest.raises(SealedArtifact):
        contents(store)


@pytest.mark.parametrize("direction", ["to KMS", "from KMS", "to another key of KMS"])
def test_a_rotation_goes_to_kms_and_back(kms: Kms, tmp_path: Path, keys: LedgerKeys, direction: str) -> None:
    one, two = uri(kms.new_key()), uri(kms.new_key())
    old, new = {"to KMS": (LOCAL, one), "from KMS": (one, LOCAL), "to another key of KMS": (one, two)}[
        direction
    ]
    stored(store_of(tmp_path, keys, old))
    stored(store_of(tmp_path, keys, old), token=LATER)
    both = masters(old, new)
    keys.replace(both.rewrap(keys.all()))
    assert contents(store_of(tmp_path, keys, new)) == PARTS
    with pytest.raises(SettingsError, match="is not held here"):
        contents(store_of(tmp_path, keys, old))


def test_a_kms_that_refuses_leaves_no_file_and_opens_none(kms: Kms, tmp_path: Path, keys: LedgerKeys) -> None:
    arn = kms.new_key()
    stored(store_of(tmp_path, keys, uri(arn)))
    store = store_of(tmp_path, keys, uri(arn))
    with kms.closed():
        with pytest.raises(KeyRefused, match=r"aws-kms://.* for daily/2024-01-15/.*: KMS refuses the key"):
            contents(store)
        with pytest.raises(KeyRefused):
            stored(store, token=LATER)
    assert [manifest.artifact for manifest in store.manifests()] == [ARTIFACT]
    assert [key.artifact for key in keys.all()] == [ARTIFACT]
    folders = [path.name for path in (tmp_path / "artifacts" / "daily" / "2024-01-15").iterdir()]
    assert folders == [TOKEN]
    assert contents(store) == PARTS


def test_a_key_that_is_not_there_is_one_clear_error(kms: Kms, tmp_path: Path, keys: LedgerKeys) -> None:
    store = store_of(tmp_path, keys, uri(NO_KEY))
    with pytest.raises(SettingsError, match=r"there is no such key \(NotFoundException\)"):
        stored(store)
    assert store.manifests() == [] and keys.all() == []
    assert list((tmp_path / "artifacts").rglob(TOKEN)) == []


def test_a_kms_that_cannot_be_reached_may_be_asked_later(
    kms: Kms, tmp_path: Path, keys: LedgerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = kms.new_key()
    stored(store_of(tmp_path, keys, uri(arn)))
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RetryableError, match="cannot be reached"):
        contents(store_of(tmp_path, keys, uri(arn)))


def test_plain_http_is_for_this_machine_only(
    kms: Kms, tmp_path: Path, keys: LedgerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://kms.example.com")
    with pytest.raises(ExportError, match="plain http is for a server of this machine only"):
        stored(store_of(tmp_path, keys, uri(NO_KEY)))
