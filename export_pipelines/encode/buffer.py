"""A file that a library writes to and that is emptied in between; positions count on."""

from typing import IO, Any, cast

import polars as pl


class Buffer:
    """Takes bytes, cannot be sought in; `take` gives out what was written since it was last called."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.position = 0
        self.closed = False

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self.chunks.append(chunk)
        self.position += len(chunk)
        return len(chunk)

    def take(self) -> bytes:
        data, self.chunks = b"".join(self.chunks), []
        return data

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def csv_bytes(frame: pl.DataFrame, **options: Any) -> bytes:
    """What Polars writes of the rows with these options of `write_csv`; through a BytesIO they would be copied once more."""
    sink = Buffer()
    frame.write_csv(cast("IO[bytes]", sink), include_header=False, **options)
    return sink.take()
