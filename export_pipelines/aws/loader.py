"""Descriptions of the services of AWS, read once a process."""

import os
from functools import cache
from pathlib import Path

from botocore.loaders import Loader


class _Loader(Loader):
    """Keeps what it read of botocore's files: reading them takes ten times as long as all else of a client."""

    @property
    def search_paths(self) -> list[str]:
        return list(
            super().search_paths
        )  # each session of boto3 adds its folder of resources, which nobody asks for


@cache
def loader(data_path: str | None) -> Loader:
    paths = data_path.split(os.pathsep) if data_path else []
    return _Loader([str(Path(path).expanduser()) for path in paths])
