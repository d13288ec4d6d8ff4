"""Descriptions of the services of AWS, read once a process."""

import gzip
import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class _Files(JSONFileLoader):
    """Reads botocore's files as plain dictionaries, which keep their order, too, and take two thirds of the memory."""

    def load_file(self, file_path: str) -> Any:
        for suffix, opened in ((".json", open), (".json.gz", gzip.open)):
            with suppress(FileNotFoundError), opened(file_path + suffix, "rb") as file:
                return json.load(file)
        return None


class _Loader(Loader):
    """Keeps what it read of botocore's files: reading them takes ten times as long as all else of a client."""

    FILE_LOADER_CLASS = _Files

    @property
    def search_paths(self) -> list[str]:
        return list(
            super().search_paths
        )  # each session of boto3 adds its folder of resources, which nobody asks for


@cache
def loader(data_path: str | None) -> Loader:
    paths = data_path.split(os.pathsep) if data_path else []
    return _Loader([str(Path(path).expanduser()) for path in paths])
