"""A store in which small texts that were made of an artifact lie beside its files."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from export_pipelines.artifacts.store_around import StoreAround


class Text(io.BytesIO):
    """A text that tells its content by its `etag`, as objects of a bucket do."""

    def __init__(self, text: bytes, start: int = 0) -> None:
        super().__init__(text)
        self.seek(start)
        self.etag = hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class TextsBeside(StoreAround):
    """`texts` are of one artifact, the only one that is asked for; what else is asked is the store's."""

    texts: Mapping[str, bytes]

    def files(self, artifact: str) -> Mapping[str, int]:
        return {**self.store.files(artifact), **{name: len(text) for name, text in self.texts.items()}}

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        text = self.texts.get(part_name)
        return self.store.open(artifact, part_name, start) if text is None else Text(text, start)

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        if part_name in self.texts:
            return None
        return self.store.presigned_url(artifact, part_name, valid_s, headers)
