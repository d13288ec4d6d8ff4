"""Which files go into which mail, when one mail does not hold them all."""

from collections.abc import Sequence
from dataclasses import dataclass

from export_pipelines.artifacts import Part

LINE, LINE_ENCODED = 57, 78  # bytes of base64's lines before and after, with CRLF
FRAME_BYTES = 16_384  # headers, body, and what stands around attachments


@dataclass(frozen=True)
class Piece:
    """Bytes `start` to `end` of a part; `name` is that of the attachment, `leads.csv.002` for the second of several."""

    part: Part
    start: int
    end: int
    name: str

    @property
    def whole(self) -> bool:
        return self.end - self.start == self.part.bytes


def room(limit: int, layers: int) -> int:
    """Bytes of files that a mail of `limit` bytes holds, encoded in `layers` of base64."""
    left = limit - FRAME_BYTES
    for _ in range(layers):
        left = left * LINE // LINE_ENCODED
    return left


def packed(parts: Sequence[Part], most: int) -> list[list[Piece]]:
    """The pieces of each mail, at most `most` bytes in one; a part that fits into a mail is not cut."""
    mails: list[list[Piece]] = [[]]
    left = most
    for part in parts:
        for piece in _pieces(part, most):
            size = piece.end - piece.start
            if size > left and mails[-1]:
                mails.append([])
                left = most
            mails[-1].append(piece)
            left -= size
    return mails


def _pieces(part: Part, most: int) -> list[Piece]:
    if part.bytes <= most:
        return [Piece(part, 0, part.bytes, part.name)]
    starts = range(0, part.bytes, most)
    return [
        Piece(part, start, min(start + most, part.bytes), f"{part.name}.{number:03d}")
        for number, start in enumerate(starts, start=1)
    ]
