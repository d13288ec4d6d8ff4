"""A sealed artifact, delivered, that is erased with its copies."""

from export_pipelines.artifacts.sealing import sealed_store
from export_pipelines.erasure.record import erasure_record, unfinished
from export_pipelines_faults import invariants
from export_pipelines_faults.scene import Act, Do, Scene
from export_pipelines_faults.world import World

AT_ONCE = (invariants.the_audit_is_whole, invariants.errors_are_clear, invariants.no_plaintext_is_left)


def _exported(world: World, do: Do) -> None:
    do(("run", world.days))
    (manifest,) = world.project.store.manifests()
    world.artifact = manifest.artifact


def _erase(world: World) -> Act:
    return "erase", (world.artifact,)


def is_erased(world: World) -> list[str]:
    """Key, copies and files are gone, and the record says so."""
    project, artifact = world.project, world.artifact
    faults = []
    if sealed_store(project.store).keys.get(artifact) is not None:
        faults.append("its data key is there")
    if (world.home / "artifacts" / artifact).exists():
        faults.append("its files are there")
    copies = [path for path in (world.home / "delivered").rglob("*") if path.is_file()]
    faults += [f"a delivered copy is there: {path.name}" for path in copies]
    if world.receiver and world.setting.to in ("s3", "sftp"):
        faults += [f"a delivered copy is at {world.setting.to}: {name}" for name in world.receiver.arrived()]
    if unfinished(project.ledger):
        faults.append("the ledger calls it unfinished")
    erasure_record(project.ledger, artifact)
    return faults


ERASURE = Scene(
    "erasure",
    _erase,
    _erase,
    AT_ONCE,
    (*AT_ONCE, is_erased, invariants.no_debris_is_left_by_the_sweep),
    {"sealed": (True,), "to": ("", "", "s3", "sftp", "webhook")},
    prepare=_exported,
)
