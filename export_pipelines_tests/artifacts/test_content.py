"""What earlier releases made still counts as done, though nobody can tell their hashes of plans any more."""

import tarfile
from pathlib import Path

import pytest

from export_pipelines.artifacts import Manifest, open_store
from export_pipelines.artifacts.content import holds_content_of
from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.ledger import open_ledger
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.fingerprint import VERSION, fingerprint
from export_pipelines.plan.window import window_of

GOLDEN = Path(__file__).parent / "golden" / "manifests_without_version.tar.xz"
CATALOG = load_catalog(None)
KEYS = {"HASH_KEY": "HASH_KEY:01234567"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(GOLDEN) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def stored(home: Path) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for manifest in open_store(str(home / ".export_pipelines" / "artifacts")).listing().manifests:
        found.setdefault(manifest.export, []).append(manifest)
    return found


def today(home: Path, manifest: Manifest, old: str = "", new: str = "") -> Plan:
    """The plan of the artifact's window, with something changed in the export's file."""
    file = home / "exports" / f"{manifest.export}.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new) if old else text)
    definition = load_definition(file, CATALOG)
    file.write_text(text)
    window = window_of(definition, manifest.window.key)
    return compile_plan(PlanRequest(definition, window, CATALOG, "sqlite", KEYS))


def test_what_an_earlier_release_made_holds_what_its_definition_gives(home: Path) -> None:
    made = [one for some in stored(home).values() for one in some]
    assert len(made) == 5 and {one.fingerprint for one in made} == {""}
    assert all(holds_content_of(today(home, one), one) for one in made)


@pytest.mark.parametrize(
    ("export", "old", "new"),
    [
        ("daily_leads", "state, price", "state"),
        ("daily_leads", "state, price", "price, state"),
        ("daily_leads", "email: mask", "email: hash"),
        ("daily_leads", "compression: gzip", "compression: zip"),
        ("daily_leads", "format: csv", "format: {csv: {header: labels}}"),
        ("daily_leads", "format: csv", "format: ndjson"),
        ("revenue_report", "[leads, revenue]", "[leads, cost]"),
    ],
)
def test_it_does_not_where_its_manifest_tells_of_something_else(
    home: Path, export: str, old: str, new: str
) -> None:
    manifest = stored(home)[export][0]
    assert not holds_content_of(today(home, manifest, old, new), manifest)


def test_a_fingerprint_is_believed_and_one_of_another_version_is_not_asked(home: Path) -> None:
    manifest = stored(home)["daily_leads"][0]
    plan = today(home, manifest)
    known = manifest.model_copy(update={"fingerprint": fingerprint(plan)})
    assert holds_content_of(plan, known)
    filtered = today(home, manifest, "partition: daily", "partition: daily\nfilter: {flows: [Auto]}")
    assert not holds_content_of(filtered, known)
    of_another = manifest.model_copy(update={"fingerprint": f"{int(VERSION) + 1}:{'0' * 64}"})
    assert holds_content_of(plan, of_another)
    assert holds_content_of(filtered, of_another)  # nobody can tell
    assert not holds_content_of(today(home, manifest, "email: mask", "email: remove"), of_another)


def test_the_ledger_of_an_earlier_release_shows_its_windows_as_arrived(home: Path) -> None:
    ledger = open_ledger(f"sqlite:///{home / '.export_pipelines' / 'ledger.db'}")
    records = ledger.windows("daily_leads")
    assert {(record.window_key, record.fingerprint, record.arrived) for record in records} == {
        ("2024-01-15", None, True),
        ("2024-01-16", None, True),
    }
    ledger.engine.dispose()
