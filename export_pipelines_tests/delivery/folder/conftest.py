"""A delivery into a folder."""

from collections.abc import Callable
from typing import Any

import pytest

from export_pipelines.artifacts import Manifest
from export_pipelines.delivery import Receipt
from export_pipelines_tests.delivery.desk import Desk


@pytest.fixture
def send(desk: Desk) -> Callable[..., Receipt]:
    def send(
        manifest: Manifest, path: str = "backup/{{date}}", again: bool = False, **settings: Any
    ) -> Receipt:
        return desk.send(manifest, {"kind": "folder", "settings": {"path": path, **settings}}, again)

    return send
