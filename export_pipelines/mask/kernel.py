"""The pass over bytes, which is `kernel.c`, compiled: what it is told, and what it tells."""

import ctypes
from ctypes import POINTER, c_bool, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export_pipelines.mask.folded import PAGE, PLANES, Folded
from export_pipelines.transform.letters import Letters, room

Flags = npt.NDArray[
    Any
]  # flags of each text, in bytes; LONG_NUMBER stands within letters, JSON_NUMBER is one of JSON
ADDRESS, ENCODED, FOREIGN_DIGIT, LONG_NUMBER, NEVER, OWN, KEY, JSON_NUMBER = (1 << bit for bit in range(8))

MOST_OWN, WORD_BYTES = 16, 4  # words of a row


class _Own(ctypes.Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("words", "counts", "firsts", "years", "numbers")),
        ("years_of_row", c_int64),
        ("numbers_of_row", c_int64),
    ]


class _Folded(ctypes.Structure):
    _fields_ = [("classes", c_void_p), ("missing", c_void_p)]


class _Keys(ctypes.Structure):
    _fields_ = [("slots", c_void_p), ("size", c_int64), ("letters", c_void_p), ("begins", c_void_p)]


_library = np.ctypeslib.load_library("_kernel", Path(__file__).parent)
_texts = (c_void_p, c_void_p, c_int64)
_library.scan.argtypes = (*_texts, POINTER(_Folded), POINTER(_Own), POINTER(_Keys), c_bool, c_void_p)
_library.collect.argtypes = (*_texts, c_bool, POINTER(_Folded), c_void_p, c_void_p, c_void_p)
_library.digits_of.argtypes = (*_texts, c_void_p, c_int64, c_void_p)
_library.fill_slots.argtypes = (*_texts, c_void_p, c_int64)
for function in (_library.scan, _library.collect, _library.digits_of, _library.fill_slots):
    function.restype = None


class Keys:
    """Keys of JSON, as the pass looks them up: by hash in a table of which at most a quarter is taken."""

    def __init__(self, names: list[bytes]) -> None:
        self._slots = np.full(1 << (4 * len(names)).bit_length(), -1, np.int32)
        self._letters = np.frombuffer(b"".join(names) or b"\0", np.uint8)
        self._begins = np.cumsum([0, *map(len, names)])
        where = _at(self._letters), _at(self._begins)
        _library.fill_slots(*where, len(names), _at(self._slots), len(self._slots))
        self.structure = _Keys(_at(self._slots), len(self._slots), *where)


class Rows:
    """What is sought in the texts of each row. `folded` tells what letters beyond ASCII are read as."""

    def __init__(self, rows: int, folded: Folded, *, years: int, numbers: int) -> None:
        self._folded = folded
        self._missing = np.zeros(PLANES // PAGE, np.bool_)  # pages that were asked and had not been read
        self._letters = _Folded(_at(folded.classes), _at(self._missing))
        # only as many of a row's words are read as it has, and fresh memory would be fetched from the system
        self._words = room(rows * MOST_OWN * WORD_BYTES).view(np.uint32)
        self._counts, self._firsts = np.zeros(rows, np.uint8), np.zeros(rows, np.uint32)
        self.years = np.full((rows, years), -1, np.int64)  # -1 for none
        self._numbers = np.full((rows, numbers), -1, np.int64)
        self._odd = np.zeros(rows, np.bool_)  # numbers that are not found by their digits
        arrays = (self._words, self._counts, self._firsts, self.years, self._numbers)
        self._structure = _Own(*[_at(array) for array in arrays], years, numbers)

    def add_words(self, letters: Letters, *, is_name: bool) -> None:
        """Of names, or of streets."""
        words = _at(self._words), _at(self._counts), _at(self._firsts)
        before = self._counts.copy(), self._firsts.copy()
        _library.collect(*_addresses(letters), is_name, ctypes.byref(self._letters), *words)
        while self._read_missing():
            self._counts[:], self._firsts[:] = before
            _library.collect(*_addresses(letters), is_name, ctypes.byref(self._letters), *words)

    def add_numbers(self, column: int, letters: Letters) -> None:
        """Of a never-exported type."""
        numbers = self._numbers[:, column]
        _library.digits_of(*_addresses(letters), _at(numbers), self._numbers.shape[1], _at(self._odd))

    def scan(self, letters: Letters, keys: Keys | None, *, is_url: bool) -> Flags:
        """The flags of these texts, of JSON if there are `keys` under which nothing is hidden; of a URL also where it has a
        query or a fragment, as an ADDRESS."""
        flags = np.zeros(len(letters), np.uint8)
        key_pointer = ctypes.byref(keys.structure) if keys else None
        words = ctypes.byref(self._letters), ctypes.byref(self._structure), key_pointer
        _library.scan(*_addresses(letters), *words, is_url, _at(flags))
        while self._read_missing():
            _library.scan(*_addresses(letters), *words, is_url, _at(flags))
        flags[self._odd & (letters.lengths > 0)] |= NEVER
        return flags

    def _read_missing(self) -> bool:
        """Whether letters were met that had not been read; they are now."""
        pages = np.flatnonzero(self._missing).tolist()
        self._missing[:] = False
        for page in pages:
            self._folded.read(page)
        return bool(pages)


def _addresses(letters: Letters) -> tuple[int, int, int]:
    return _at(letters.bytes), _at(letters.starts), len(letters)


def _at(array: npt.NDArray[Any]) -> int:
    return int(array.ctypes.data)
