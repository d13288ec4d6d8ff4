"""An artifact that was written before there was a master key, and is sealed in its place."""

from export_pipelines_faults.scene import Act, Do, Scene
from export_pipelines_faults.scenes.export import AT_ONCE, SETTLED
from export_pipelines_faults.world import MASTER_KEY, World


def _exported(world: World, do: Do) -> None:
    do(("run", world.days))
    world.set(MASTER_KEY=MASTER_KEY)


def _seal(_: World) -> Act:
    return "commands", ("artifacts seal --all",)


def is_sealed(world: World) -> list[str]:
    """Each artifact is sealed, has its index of leads, and nothing of it lies there in plain."""
    plain = [
        f"{path.name} is plain"
        for path in (world.home / "artifacts").rglob("*")
        if path.is_file() and b"canary" in path.read_bytes()
    ]
    manifests = world.project.store.manifests()
    return plain + [f"{m.artifact} is not sealed" for m in manifests if not m.is_sealed or not m.lead_index]


def _sealed_and_swept(_: World) -> Act:
    return "commands", ("artifacts seal --all", "sweep")


SEAL = Scene(
    "seal",
    _seal,
    _sealed_and_swept,
    AT_ONCE,
    (*SETTLED, is_sealed),
    {"to": ("",)},
    prepare=_exported,
)
