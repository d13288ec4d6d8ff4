"""An export that is written and delivered; one that was written, and is delivered later; one of several windows."""

from pathlib import Path

from export_pipelines_faults import invariants
from export_pipelines_faults.kinds import AtRest
from export_pipelines_faults.scene import Act, Do, Scene
from export_pipelines_faults.world import World
from export_pipelines_servers.fault_proxy import Fault

AT_ONCE = (
    invariants.nothing_half_is_visible,
    invariants.deliveries_arrived_once,
    invariants.the_audit_is_whole,
    invariants.errors_are_clear,
    invariants.no_plaintext_is_left,
)
SETTLED = (*AT_ONCE, invariants.everything_arrived, invariants.no_debris_is_left)
REMOTE = ("webhook", "webhook", "email", "s3", "sftp")


def _work(world: World) -> Act:
    return "run", world.days


def _settle(world: World) -> Act:
    return "settle", world.days


def _written(world: World, do: Do) -> None:
    """Written, and delivered to nobody: the destination was away."""
    world.proxies["destination"].fault = Fault("refuse", times=1_000)
    do(("run", world.days))
    world.proxies["destination"].fault = Fault()
    manifests = world.project.store.manifests()
    world.known |= {part.sha256 for manifest in manifests for part in manifest.parts}


def _changed_at_rest(world: World, injection: AtRest) -> None:
    folder = next((world.home / "artifacts").glob("*/*/*"))
    parts = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    path = folder / "manifest.json" if "manifest" in injection.action else _chosen(parts, injection.choice)
    data = path.read_bytes()
    at = int(injection.choice * len(data))
    match injection.action.split()[0]:
        case "flip":
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        case "cut":
            path.write_bytes(data[:at])
        case "lose":
            path.unlink()


def _chosen(parts: list[Path], choice: float) -> Path:
    return parts[int(choice * 1_000) % len(parts)]


EXPORT_SCENE = Scene("export", _work, _settle, AT_ONCE, SETTLED, {"to": REMOTE})
REDELIVERY = Scene(
    "redelivery",
    lambda _: ("deliver waiting", ()),
    _settle,
    AT_ONCE,
    SETTLED,
    {"to": REMOTE},
    prepare=_written,
    at_rest=_changed_at_rest,
)
BACKFILL = Scene(
    "backfill",
    lambda world: ("fill", world.days),
    lambda world: ("fill again", world.days),
    AT_ONCE,
    SETTLED,
    {"to": ("",), "dagster": (True,)},
    days=("2024-01-01", "2024-01-02", "2024-01-03"),
)
