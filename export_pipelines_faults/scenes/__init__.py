"""The scenes, by their names."""

from collections.abc import Mapping

from export_pipelines_faults.scene import Scene
from export_pipelines_faults.scenes.erasure import ERASURE
from export_pipelines_faults.scenes.export import BACKFILL, EXPORT_SCENE, REDELIVERY
from export_pipelines_faults.scenes.seal import SEAL
from export_pipelines_faults.scenes.service import SERVICE
from export_pipelines_faults.scenes.stream import STREAM

SCENES: Mapping[str, Scene] = {
    scene.name: scene for scene in (EXPORT_SCENE, REDELIVERY, BACKFILL, ERASURE, SEAL, SERVICE, STREAM)
}
