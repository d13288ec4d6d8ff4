"""The index of leads that sealing makes of what is stored: the same, to the byte, as the one that a run makes of its rows."""

import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, lead_index, open_store, verify
from export_pipelines.artifacts.sealing import SealedStore, seal_in_place
from export_pipelines.definition.export import Split
from export_pipelines.definition.output import Compression, Format
from export_pipelines.erasure.lead_search import holds_lead, lead_mark
from export_pipelines.frames.lead_ids import READERS, why_no_ids
from export_pipelines.frames.lead_index import add_lead_index, lacks_index
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.mask.keys import Keys
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.artifacts.sealing.killed import killed_at
from export_pipelines_tests.artifacts.sealing.test_store import masters
from export_pipelines_tests.frames.test_frames import CASES
from export_pipelines_tests.run.whole_run import plan_of, sample_url, token

KEYS = Keys.from_bytes(b"h" * 32)
NOW = datetime(2024, 1, 16, 2, 0, tzinfo=UTC)
LEADS = 200
MOST_STEPS = 100
ODD_IDS = [
    "=1+1",
    "'=1",
    "a,b",
    'a"b',
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\\tb",
    "\\N",
    "NULL",
    "null",
    " ",
    "é",
    "'",
    "007",
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Leads of a day, some with ids that a format has to quote, escape or prefix."""
    url = sample_url(tmp_path_factory.mktemp("source"), LEADS)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        ids = [id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY lead_id")]
        for id, odd in zip(ids, ODD_IDS, strict=False):
            connection.execute("UPDATE leads SET lead_id = ? WHERE lead_id = ?", [odd, id])
    return url


@pytest.fixture
def store(tmp_path: Path) -> SealedStore:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    keys = LedgerKeys(lambda: ledger.engine)
    return SealedStore(open_store(str(tmp_path / "store")), keys, masters(b"m" * 32))


def written(url: str, store: SealedStore, number: int, **changes: Any) -> Manifest:
    plan = plan_of(keys=KEYS.names, **changes)
    return run_export(plan, RunContext(open_source(url), store, KEYS, lambda: NOW), token(number))


def sealed_later(url: str, store: SealedStore, **changes: Any) -> Manifest:
    """A plain artifact that is then sealed where it lies."""
    plain = written(url, replace(store, masters=None), 1, **changes)
    assert seal_in_place(store, plain.artifact)
    return plain


@pytest.mark.parametrize(("form", "options", "codec"), CASES)
def test_it_is_the_index_of_a_run(
    url: str, store: SealedStore, form: str, options: dict[str, Any], codec: str
) -> None:
    changes = {
        "format": Format(name=form, options=options),
        "compression": Compression(codec=codec),
        "fields": ("lead_id", "submitted_at", "comments", "custom"),
        "split": Split(rows=90),
    }
    plain = sealed_later(url, store, **changes)
    assert holds_lead(store.manifest(plain.artifact), store, lead_mark(store, "x")) is None
    assert add_lead_index(store, plain.artifact) is None
    indexed, of_run = store.manifest(plain.artifact), written(url, store, 2, **changes)
    assert indexed.lead_index and of_run.lead_index
    assert len(indexed.parts) == 3 and indexed.lead_index.rows == LEADS
    assert indexed.lead_index.sha256 == of_run.lead_index.sha256
    assert indexed.as_delivered().to_json() == plain.to_json()
    assert verify(store, plain.artifact) == [] and not lacks_index(indexed, store)


def test_ids_that_were_made_safe_for_a_spreadsheet_are_found(url: str, store: SealedStore) -> None:
    options = {"spreadsheet_safe": True}
    plain = sealed_later(url, store, format=Format(name="csv", options=options), split=Split())
    assert plain.neutralised_cells >= 3 and add_lead_index(store, plain.artifact) is None
    manifest = store.manifest(plain.artifact)
    assert all(holds_lead(manifest, store, lead_mark(store, id)) for id in ODD_IDS)
    assert not holds_lead(manifest, store, lead_mark(store, "nobody"))


def test_an_index_of_an_earlier_release_is_not_believed_and_made_anew(
    url: str, store: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_index, "MAGIC", lead_index.INCOMPLETE)
    artifact = written(url, store, 1).artifact
    monkeypatch.undo()
    manifest = store.manifest(artifact)
    holds = [holds_lead(manifest, store, lead_mark(store, id)) for id in (*ODD_IDS[:3], "nobody")]
    assert holds == [True, True, True, None] and lacks_index(manifest, store)
    assert add_lead_index(store, artifact) is None
    manifest = store.manifest(artifact)
    assert holds_lead(manifest, store, lead_mark(store, "nobody")) is False
    assert not lacks_index(manifest, store) and verify(store, artifact) == [] and store.sweep() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": Format(name="xlsx")}, "xlsx is not read back"),
        ({"fields": ("state", "price")}, "no column lead_id in clear"),
        ({"fields": ("lead_id", "state"), "privacy": {"lead_id": "hash"}}, "no column lead_id in clear"),
    ],
)
def test_what_cannot_be_read_back_is_named(
    url: str, store: SealedStore, changes: dict[str, Any], said: str
) -> None:
    artifact = sealed_later(url, store, **changes).artifact
    before = store.manifest(artifact)
    assert said in str(add_lead_index(store, artifact))
    assert said in str(why_no_ids(before)) and store.manifest(artifact) == before


def test_an_artifact_whose_rows_do_not_add_up_gets_no_index(
    url: str, store: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = sealed_later(url, store).artifact
    before = store.manifest(artifact)
    monkeypatch.setitem(READERS, "csv", lambda *_: iter(()))
    assert add_lead_index(store, artifact) == "0 rows were read back, the manifest says 200"
    monkeypatch.setitem(READERS, "csv", READERS["parquet"])
    assert add_lead_index(store, artifact) == "the file is no table of its columns"
    assert store.manifest(artifact) == before and verify(store, artifact) == []


def test_an_artifact_without_rows_gets_an_empty_index(url: str, store: SealedStore) -> None:
    for number, form in enumerate(("csv", "json", "ndjson", "parquet"), start=1):
        plain = written(url, replace(store, masters=None), number, day="2023-01-01", format=Format(name=form))
        assert plain.rows == 0 and seal_in_place(store, plain.artifact)
        assert add_lead_index(store, plain.artifact) is None, form
        index = store.manifest(plain.artifact).lead_index
        assert index and index.rows == 0


def test_killed_anywhere_it_has_the_index_or_can_be_given_it(
    url: str, store: SealedStore, tmp_path: Path
) -> None:
    artifact, done = sealed_later(url, store).artifact, False
    folder = tmp_path / "store" / artifact
    shutil.copytree(folder, tmp_path / "before")
    outcomes = set()
    for step in range(1, MOST_STEPS):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "before", folder)
        done = killed_at(step, store, lambda: add_lead_index(store, artifact), "/store/")
        outcomes.add(store.manifest(artifact).lead_index is not None)
        seal_in_place(store, artifact)  # removes what is left
        assert add_lead_index(store, artifact) is None
        assert store.manifest(artifact).lead_index and verify(store, artifact) == [], step
        if done:
            break
    assert done and outcomes == {True, False}
