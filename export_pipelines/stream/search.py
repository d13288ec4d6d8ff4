"""Which rows hold one of their masked values in a text: bytes tell of nearly all, the others are read letter by letter."""

from string import ascii_letters
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.stream.letters import BESIDE_ASCII, DIGIT, Flags, Letters, Places, Rows, room, table
from export_pipelines.stream.pieces import LONG, Pieces, by_row
from export_pipelines.stream.repeats import repeated, sought
from export_pipelines.stream.spellings import BREAK, ODD, WITHIN_NUMBER

BETWEEN = WITHIN_NUMBER + b"+\x1c\x1d\x1e\x1f"  # the digits of a number
NUMBERLIKE = table(b"0123456789" + BETWEEN)
STEPS = 1, 2, 4, 1  # each looks so much further ahead, together at LONG bytes
MOST_COUNTED = 255  # in one byte, which takes a fifth of the time
TELLING = table({*b"%\\@", *range(BESIDE_ASCII, 0x100)})
QUOTE = ord('"')
BLANK, LETTER, IN_NUMBER = (
    np.frombuffer(table(one), np.bool_)
    for one in (b"nrt", ascii_letters.encode(), b"0123456789%\\" + BETWEEN)
)
# From and to: letters that are not odd, Latin, Cyrillic, Chinese, Korean, pictures
NOT_ODD = np.ravel(
    [(0xC0, 0xDF), (0xE0, 0x100), (0x400, 0x480), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x1F300, 0x1FA00)]
)


class _Told(NamedTuple):
    """What bytes tell of some texts: flags for `found`, it holds a value of its row, or escapes that only a parser
    undoes, and for `unclear`, it must be read; the rows of those that must be decoded, being `encoded` as in a URL."""

    found: Flags
    unclear: Flags
    encoded: Rows


def held(texts: list[pa.LargeStringArray], pieces: Pieces) -> Flags:
    """Flags by row: none is missed in which one of `texts` holds a value; some that hold none are flagged too."""
    joined = _joined(texts)
    found, unclear, encoded = _told(joined, pieces)
    if len(encoded):
        once = _told(joined.take(encoded).decoded(), pieces.take(encoded))
        found[encoded] |= once.found
        unclear[encoded] |= once.unclear
        unclear[encoded[once.encoded]] = True  # twice
    left = np.flatnonzero(unclear & ~found)
    read = zip(*(one.take(left).to_pylist() for one in texts), strict=True)
    parts = map(sought, by_row(pieces.values, left))
    found[left] = [
        any(text and repeated(text, looked_for) for text in row)
        for row, looked_for in zip(read, parts, strict=True)
    ]
    return found


def _joined(texts: list[pa.LargeStringArray]) -> Letters:
    """All texts of a row as one, with breaks around each."""
    end, between = (pa.scalar(one, pa.large_string()) for one in ("", BREAK))
    return Letters(pc.binary_join_element_wise(end, *texts, end, between, null_handling="skip"))


def _told(texts: Letters, pieces: Pieces) -> _Told:
    places = texts.places(TELLING)  # one look over all bytes takes longer than several over these
    signs = texts.behind(places, 0)
    percents, backslashes, ats = (places[signs == ord(sign)] for sign in "%\\@")
    letters = places[signs >= BESIDE_ASCII]
    have_at, beside_ascii = np.zeros((2, len(texts)), np.bool_)
    have_at[texts.rows_of(ats)] = True
    beside_ascii[texts.rows_of(letters)] = True
    hits = pieces.hits(texts.lower().series(), have_at)
    found = np.logical_or.reduce(hits & ~(pieces.brief | pieces.foreign))
    unclear = np.logical_or.reduce(hits & (pieces.brief | pieces.foreign & beside_ascii))
    found[_escaped(texts, backslashes)] = True
    unclear |= pieces.doubtful
    unclear[_odd(texts, letters)] = True
    numbered = pieces.untold.copy()
    numbered[_long(texts)] = True
    called = np.flatnonzero(numbered & ~found)
    found[called] = _called(texts.take(called), pieces.numbers(called))
    return _Told(found, unclear, _encoded(texts, percents))


def _encoded(texts: Letters, percents: Places) -> Rows:
    """Texts in which something is encoded, but for blanks that stand in no number: no piece has a blank."""
    places, codes = texts.encoded(percents)
    return texts.rows_of(places[(codes != ord(" ")) | IN_NUMBER[texts.behind(places, len("%20"))]])


def _escaped(texts: Letters, places: Places) -> Rows:
    """Texts with letters that JSON spells in another way, or an escape that may break a number, of these backslashes."""
    first, second = texts.behind(places, 1), texts.behind(places, 2)
    blank = BLANK[first] & LETTER[second]
    return texts.rows_of(places[(first != QUOTE) & ~blank])


def _odd(texts: Letters, letters: Places) -> Rows:
    """Texts with letters that may be spelled in ASCII too."""
    rows = texts.rows_of(letters[np.searchsorted(NOT_ODD, texts.codes(letters), "right") % 2 == 0])
    return rows[texts.take(rows).series().str.contains(ODD).to_numpy()] if len(rows) else rows


def _long(texts: Letters) -> Rows:
    """Texts in which LONG digits follow each other, with nothing between but what may stand within a number."""
    run = texts.are(NUMBERLIKE)
    for step in STEPS:
        run = np.logical_and(run[step:], run[:-step], out=room(max(len(run) - step, 0)))
    turns = np.flatnonzero(np.not_equal(run[1:], run[:-1], out=room(max(len(run) - 1, 0)))) + 1
    if not len(turns):
        return turns
    # a run begins and ends within its text, since breaks stand around it: turns are pairs of its first byte, and the one
    # where the last LONG bytes of it begin no more
    turns[1::2] += LONG - 1
    starts, ends = turns[::2], turns[1::2]
    digits = np.add.reduceat(texts.are(DIGIT).view(np.uint8), turns, dtype=np.uint8)[::2]
    return texts.rows_of(starts[(digits >= LONG) | (ends - starts > MOST_COUNTED)])


def _called(texts: Letters, numbers: list[list[bytes]]) -> list[bool]:
    """Whether each text holds the digits of one of its numbers, whatever signs stand between them."""
    pairs = zip(texts.texts.cast(pa.large_binary()).to_pylist(), numbers, strict=True)
    return [any(one in text.translate(None, BETWEEN) for one in row) for text, row in pairs]
