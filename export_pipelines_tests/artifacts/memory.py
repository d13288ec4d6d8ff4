"""Where tests of one file look at its bytes."""


class Memory:
    """A PartSink in memory."""

    def __init__(self) -> None:
        self.data, self.is_finished = b"", False

    def write(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None:
        self.is_finished = True

    def abort(self) -> None:
        self.data = b""
