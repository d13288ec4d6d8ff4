"""The artifact since which a run of `mode: changes` tells what has changed, or why it writes the full set."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export_pipelines.artifacts import ROW_DIGESTS_NAME, Changes, Manifest, Part, Staging, Store
from export_pipelines.artifacts.token import recency
from export_pipelines.errors import DamagedArtifact, RequestError, SealedArtifact, SettingsError
from export_pipelines.ledger import Ledger
from export_pipelines.ledger.series import LastArrived, arrivals
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.changes import Change
from export_pipelines.plan.fingerprint import definition_fingerprint
from export_pipelines.plan.plan import Plan, Window, schema_hash

if TYPE_CHECKING:
    from export_pipelines.run.changes.base_set import BaseSet
    from export_pipelines.run.changes.compare import Comparison

FIRST = "there is no set before"
ASKED = "it was asked for"


@dataclass(frozen=True)
class Base:
    """The artifact with the set before; None for a full set, and `why`."""

    manifest: Manifest | None = None
    why: str = ""


def base_of(plan: Plan, store: Store, ledger: Ledger, full: bool = False) -> Base:
    """What a run of `plan`, which is in `mode: changes`, compares its rows with; nothing where a `full` set is asked for."""
    assert plan.changes
    if full:
        return Base(why=ASKED)
    entries = plan.output.deliver
    arrived = arrivals(ledger.engine, plan.export, plan.changes.series, entries)
    why = _why_not_one(arrived, [entry["kind"] for entry in entries])
    if why:
        return Base(why=why)
    artifact = str(arrived[0].artifact)
    try:
        manifest = store.manifest(artifact)
    except (RequestError, DamagedArtifact) as error:
        return Base(why=f"the set before, {artifact}, cannot be read: {error.what}")
    why = _why_incomparable(plan, manifest)
    return Base(why=why) if why else Base(manifest)


@dataclass(frozen=True)
class Compared:
    """The `comparison` of a run with its base."""

    base: Base
    comparison: "Comparison"

    def stated(self, plan: Plan) -> Changes:
        """What the manifest says of it, once all is written."""
        assert plan.changes
        before = self.base.manifest.changes if self.base.manifest else None
        counts = self.comparison.counts
        key = next(column.header for column in plan.masking.columns if column.id == plan.changes.key)
        return Changes(
            series=plan.changes.series,
            key=key,
            since=self.base.manifest and self.base.manifest.artifact,
            full=self.base.why or None,
            number=before.number + 1 if before else 0,
            added=counts[Change.ADDED],
            changed=counts[Change.CHANGED],
            removed=counts[Change.REMOVED],
            set_rows=self.comparison.writer.rows,
            definition=definition_fingerprint(plan),
        )

    def file(self, window: Window) -> Part:
        """The file of digests."""
        writer = self.comparison.writer
        return Part(
            name=ROW_DIGESTS_NAME,
            rows=writer.rows,
            bytes=writer.bytes,
            raw_bytes=writer.bytes,
            sha256=writer.sha256,
            window=window,
        )


@contextmanager
def comparing(
    plan: Plan, base: Base | None, store: Store, staging: Staging, keys: Keys
) -> Iterator[Compared | None]:
    """What a run of `mode: changes` compares its rows with, for the time of the run; None for another run."""
    if plan.changes is None:
        yield None
        return
    from export_pipelines.run.changes.compare import Comparison
    from export_pipelines.run.changes.digest_file import DigestFileWriter
    from export_pipelines.run.changes.row_digests import RowDigests

    digests = RowDigests(plan.changes.key, keys.of_plan(plan.masking.key_ids))
    with (
        _opened(base or Base(why=FIRST), store) as (used, rows),
        DigestFileWriter(staging.open_part(ROW_DIGESTS_NAME), plan.changes.key) as writer,
    ):
        yield Compared(used, Comparison(plan.masking.columns, digests, writer, rows))


@contextmanager
def _opened(base: Base, store: Store) -> Iterator[tuple[Base, "BaseSet | None"]]:
    """The base with its digests; without them it is none, and says so."""
    if base.manifest is None or base.manifest.row_digests is None:
        yield base, None
        return
    from export_pipelines.run.changes.base_set import BaseSet

    artifact, file = base.manifest.artifact, base.manifest.row_digests
    try:
        with store.open(artifact, ROW_DIGESTS_NAME) as stored:
            rows = BaseSet(stored, file.bytes, file.sha256)
    except (DamagedArtifact, SealedArtifact, SettingsError) as error:
        yield Base(why=f"the digests of {artifact} cannot be read: {error.what}"), None
        return
    with rows:
        yield base, rows


def _why_not_one(arrived: list[LastArrived], kinds: list[str]) -> str:
    """Why there is no set that is known to be the last at every destination."""
    places = [f"destination {number} ({kind})" for number, kind in enumerate(kinds, start=1)]
    for last, place in zip(arrived, places or [""], strict=True):
        if last.tried:
            return f"{max(last.tried)} was tried at {place} and may have arrived"
        if last.is_erased:
            return f"the set before, {last.artifact}, was erased"
    artifacts = {last.artifact for last in arrived}
    if artifacts == {None}:
        return "no set before has been delivered" if places else FIRST
    if len(artifacts) > 1:
        newest = max(filter(None, artifacts), key=recency)
        lacking = (place for last, place in zip(arrived, places, strict=True) if last.artifact != newest)
        return f"{newest} has not arrived at {next(lacking)}"
    return ""


def _why_incomparable(plan: Plan, manifest: Manifest) -> str:
    assert plan.changes
    before, artifact = manifest.changes, manifest.artifact
    if before is None or manifest.row_digests is None:
        return f"{artifact} was not exported in mode: changes"
    if manifest.schema_hash != schema_hash(plan.masking.columns):
        return f"the columns have changed since {artifact}"
    if manifest.key_ids != plan.masking.key_ids:
        return f"a key was exchanged since {artifact}"
    if before.definition != definition_fingerprint(plan):
        return f"the export has changed since {artifact}"
    every = plan.changes.full_every
    if every is not None and before.number + 1 >= every:
        return f"every {every} artifacts, as the export says"
    return ""
