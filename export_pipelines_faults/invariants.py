"""What must hold after every fault, however the work ended. Each invariant is a function of a world that gives the violations."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from export_pipelines.artifacts import Manifest, verify
from export_pipelines.artifacts.manifest import MANIFEST_NAME
from export_pipelines.erasure.retention import sweep
from export_pipelines.ledger import OPEN, State, Streams
from export_pipelines.ledger.verify_audit import verify_chain
from export_pipelines_faults.acts import EXPORT
from export_pipelines_faults.servers import CANARY
from export_pipelines_faults.world import LIVE, SINK_BUCKET, World

Invariant = Callable[[World], Sequence[str]]
BESIDE = ": added, the manifest does not know it"  # how verify names a file that is no part


def parts_are_whole(world: World) -> list[str]:
    """Every committed artifact has what its manifest says, by `verify` and by digests of our own; files that are no part of it
    may lie beside, until somebody sweeps."""
    return [fault for fault in artifacts_are_whole(world) if not fault.endswith(BESIDE)]


def artifacts_are_whole(world: World) -> list[str]:
    """Every committed artifact is what its manifest says, and nothing else lies there."""
    store = world.project.store
    listing = store.listing()
    faults = [f"{artifact}: its manifest is damaged: {error}" for artifact, error in listing.damaged.items()]
    for manifest in listing.manifests:
        faults += [f"verify: {manifest.artifact}/{fault}" for fault in verify(store, manifest.artifact)]
        faults += _of_other_bytes(world, manifest)
    return faults


def damage_is_named(world: World) -> list[str]:
    """Of artifacts that a disk has damaged: `verify` names each, and no other."""
    store = world.project.store
    return [
        f"verify says {verify(store, manifest.artifact)} of {manifest.artifact}, whose bytes say {other}"
        for manifest in store.manifests()
        if bool(other := _of_other_bytes(world, manifest)) is not bool(verify(store, manifest.artifact))
    ]


def _of_other_bytes(world: World, manifest: Manifest) -> list[str]:
    """The parts with other bytes than the manifest says, read without the program."""
    if world.setting.store != "folder" or manifest.is_sealed:
        return []
    folder = world.home / "artifacts" / manifest.artifact
    return [
        f"{manifest.artifact}/{part.name}: other bytes"
        for part in manifest.parts
        if not (folder / part.name).is_file() or _sha256((folder / part.name).read_bytes()) != part.sha256
    ]


def nothing_half_is_visible(world: World) -> list[str]:
    """Under a final name lies a whole file, and a manifest only beside all of its files."""
    manifests = world.project.store.manifests()
    known = {part.sha256 for manifest in manifests for part in manifest.parts} | world.known
    faults = []
    for place, files in _arrived(world):
        digests = {name: _sha256(data) for name, data in files.items()}
        for name, data in files.items():
            if name.endswith("manifest.json"):
                parts = json.loads(data)["parts"]
                faults += [
                    f"{place}: {name} lists {part['name']}, which is not there as it says"
                    for part in parts
                    if digests.get(part["name"]) != part["sha256"]
                ]
            elif digests[name] not in known:
                faults.append(f"{place}: {name} is half, or of other bytes")
    return faults


def deliveries_arrived_once(world: World) -> list[str]:
    """What the ledger calls delivered is there, and nothing is there more than once for each delivery that was tried; what may
    have arrived is called uncertain."""
    faults = []
    for delivery in world.project.ledger.deliveries(EXPORT):
        files = _files(world, delivery.artifact)
        if delivery.kind == "folder":
            arrived = _folder(world, delivery.window_key) if delivery.state == "delivered" else files
            missing = [name for name, data in files.items() if arrived.get(name) != data]
            faults += [f"folder: {name} was delivered and is not there" for name in missing]
        elif files and world.receiver:
            times, tried = world.receiver.times(files), _tried(world)
            if delivery.state == "delivered" and times == 0:
                faults.append(f"{delivery.kind}: delivered, and not there")
            if world.setting.to in ("email", "webhook") and times > tried:
                faults.append(
                    f"{delivery.kind}: {delivery.state}, there {times} times, tried {tried} deliveries"
                )
            if delivery.state == "delivered" and world.setting.to in ("s3", "sftp") and times != 1:
                faults.append(f"{delivery.kind}: there are other files, too")
    return faults


def _tried(world: World) -> int:
    """How many deliveries to the destination were begun."""
    deliveries = world.project.ledger.deliveries(states=get_args(State))
    return sum(delivery.kind == world.setting.to and delivery.attempts > 0 for delivery in deliveries)


def everything_arrived(world: World) -> list[str]:
    """No delivery is open or failed any more, and the window has one that arrived, or may have."""
    deliveries = world.project.ledger.deliveries(EXPORT)
    left = [d for d in deliveries if d.state in (*OPEN, "failed")]
    faults = [f"{d.kind}: {d.state} for good: {d.error}" for d in left]
    for day in world.days:
        states = {d.kind: d.state for d in deliveries if d.window_key == day}
        expected = {"folder", world.setting.to} - {""}
        if {kind for kind, state in states.items() if state in ("delivered", "uncertain")} != expected:
            faults.append(f"{day}: {states}")
    return faults


def no_debris_is_left_by_the_sweep(world: World) -> list[str]:
    """The same of work that nobody swept after."""
    project = world.project
    swept = sweep(
        project.loaded.definitions, project.store, project.ledger, project.now(), project.settings.home
    )
    swept.require_complete()
    return no_debris_is_left(world)


def no_debris_is_left(world: World) -> list[str]:
    """After the sweep: no file in the store that no manifest lists, no temporary file at a destination, no encrypted copy."""
    faults = [f"store: {name}" for name in _strangers(world)]
    hidden = list((world.home / "delivered").rglob(".*"))
    faults += [f"folder: {path.name}" for path in hidden]
    if world.receiver:
        faults += [f"{world.setting.to}: {name}" for name in world.receiver.debris()]
    for folder in ("encrypted", "ledger.db.lanes"):
        faults += [f"{folder}: {path.name}" for path in (world.home / folder).glob("*")]
    return faults


def _strangers(world: World) -> set[str]:
    store, root = world.project.store, world.home / "artifacts"
    known = {
        f"{manifest.artifact}/{name}"
        for manifest in store.manifests()
        for name in (MANIFEST_NAME, *(file.stored_name for file in manifest.files))
    }
    damaged = tuple(f"{artifact}/" for artifact in store.listing().damaged)
    if world.setting.store == "s3":  # where what killed runs left is taken away after a week
        artifacts = {manifest.artifact for manifest in store.manifests()}
        names = (
            stored.key.removeprefix("artifacts/") for stored in world.servers.s3.bucket("store").list("")
        )
        return {name for name in names if name not in known and name.rpartition("/")[0] in artifacts}
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return {name for name in files - known if not damaged or not name.startswith(damaged)}


def the_audit_is_whole(world: World) -> list[str]:
    """The chain holds from the first entry to the last."""
    return [f"audit: {fault}" for fault in verify_chain(world.project.ledger.engine).faults]


def no_plaintext_is_left(world: World) -> list[str]:
    """No value that tells a person lies outside of artifacts and what was delivered; in no artifact that is sealed."""
    outside = [world.home / "delivered"]
    if not world.setting.sealed:
        outside.append(world.home / "artifacts")
    return [
        f"personal data in {path.relative_to(world.folder)}"
        for path in _files_below(world.folder)
        if not any(path.is_relative_to(folder) for folder in outside) and CANARY.encode() in path.read_bytes()
    ]


def errors_are_clear(world: World) -> list[str]:
    """What processes said has no traceback."""
    said = world.folder / "said"
    text = said.read_text(errors="replace") if said.exists() else ""
    lines = [line for line in text.splitlines() if "this is a fault of the program" in line]
    before, mark, after = text.partition("Traceback")
    return lines + [f"a traceback was shown: {before[-200:]}{mark}{after[:1_500]}"] * bool(mark)


def the_stream_is_right(world: World) -> list[str]:
    """No sequence stands for two rows, no row is shown unmasked, and in a bucket none is there twice."""
    records = _records(world)
    of_sequence: dict[int, set[str]] = {}
    for record in records:
        of_sequence.setdefault(record["sequence"], set()).add(record["id"])
    faults = [f"sequence {n} has {len(ids)} rows" for n, ids in of_sequence.items() if len(ids) > 1]
    if world.setting.sink == "s3":
        sequences = sorted(record["sequence"] for record in records)
        if sequences != list(range(1, len(sequences) + 1)):
            faults.append(f"{len(sequences)} records have the sequences {sequences[:3]} ... {sequences[-3:]}")
        twice = [id for id, number in Counter(record["id"] for record in records).items() if number > 1]
        faults += [f"{len(twice)} rows are there twice"] * bool(twice)
    if any(CANARY in json.dumps(record["data"]) for record in records):
        faults.append("a record shows personal data")
    return faults


def the_stream_is_complete(world: World) -> list[str]:
    """Every row of the source is at the sink, and the cursor is behind the last."""
    ids = {record["id"] for record in _records(world)}
    missing = world.event_ids - ids
    state = Streams(world.project.ledger.engine, world.project.ledger.locks).state(LIVE)
    faults = [f"{len(missing)} of {len(world.event_ids)} rows are missing"] * bool(missing)
    if state.sequence != len(world.event_ids) + 1 or state.intentions:
        faults.append(f"the cursor is at sequence {state.sequence} after {len(world.event_ids)} rows")
    if world.setting.sink == "s3":
        uploads = list(world.servers.s3.bucket(SINK_BUCKET).uploads(""))
        faults += [f"sink: {len(uploads)} uploads were not ended"] * bool(uploads)
    return faults


def _records(world: World) -> list[dict[str, Any]]:
    if world.setting.sink == "s3":
        bucket = world.servers.s3.bucket(SINK_BUCKET)
        keys = [stored.key for stored in bucket.list("") if stored.key.endswith(".gz")]
        texts = [gzip.decompress(bucket.read(key) or b"") for key in keys]
    else:
        texts = [data for _, data in world.servers.aws.records(world.stream)]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def _arrived(world: World) -> Iterator[tuple[str, dict[str, bytes]]]:
    for day in world.days:
        yield "folder", _folder(world, day)
    if world.receiver:
        yield world.setting.to, world.receiver.arrived()


def _folder(world: World, day: str) -> dict[str, bytes]:
    folder = world.home / "delivered" / EXPORT / day
    return {path.name: path.read_bytes() for path in folder.glob("*") if not path.name.startswith(".")}


def _files(world: World, artifact: str) -> dict[str, bytes]:
    """The parts of an artifact; none where it is not there, or damaged."""
    store = world.project.store
    manifest = next((m for m in store.manifests() if m.artifact == artifact), None)
    if manifest is None or _of_other_bytes(world, manifest):
        return {}
    files = {}
    for part in manifest.parts:
        with store.open(artifact, part.name) as file:
            files[part.name] = file.read()
    return files


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
