"""In which encoding a file is: its bytes go in, the encoding's name comes out, or why it cannot be told.

What is certain comes first: a byte order mark, UTF-16's zero bytes, valid UTF-8. Of all other encodings those are left out
in which words would be odd (`JosŽ`, `Wi¶niewski`, `H駘鈩e`). Where the others read the same text it does not matter which it
is; else chardet weighs the texts, and one must be far ahead: a wrong guess would change letters silently.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

import chardet

from export_pipelines.errors import ImportFileError

MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
# those that programs write today, and those that they wrote before
OTHERS = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "iso8859_2", "iso8859_15", "mac_roman", "cp850",
    "koi8_r", "cp932", "cp949", "gb18030", "big5",
)  # fmt: skip
SAMPLE_BYTES = 1 << 16  # of lines beyond ASCII
HEAD_BYTES = 1 << 12  # which show whether every other byte is zero
AHEAD = {"cp1252": 1.2}  # times the weight of each other text; most files are of Western Europe or America
FAR_AHEAD = 2.0
FEWEST_BYTES = 6  # beyond ASCII, on which a guess may rest
ODD_AT_MOST = 0.1  # of the words beyond ASCII
_WORD = re.compile(r"\S+")
_JOINING = frozenset("’‘·–—‑\xa0®™©°")
_SCRIPTS = {"FULLWIDTH": "LATIN", "IDEOGRAPHIC": "CJK", "MASCULINE": "LATIN", "FEMININE": "LATIN"}
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"})
_SIGNS = frozenset({"So", "Sk", "Sm", "Sc", "No", "Po"})


def encoding_of(chunks: Iterable[bytes], where: str) -> str:
    """The encoding of the file that is read in these chunks. Raises ImportFileError where it cannot be told."""
    seen = _Seen(chunks)
    if name := marked(seen.head) or _by_zeros(seen.head):
        return name
    if seen.utf_8 >= seen.others:  # there may be neither; what is no UTF-8 among it are rows to be rejected
        return "utf-8"
    names = guessed(bytes(seen.beyond))
    if len(names) == 1:
        return names[0]
    could = (
        f" and could be {', '.join(names[:-1])} or {names[-1]}"
        if names
        else f" and none of {', '.join(OTHERS)}"
    )
    raise ImportFileError(
        f"its encoding cannot be told: it is no UTF-8,{could}",
        where=where,
        remedy=f"say it: --encoding {names[0] if names else 'NAME'}, or save the file as UTF-8",
    )


def marked(head: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning of a file names."""
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), None)


def guessed(sample: bytes) -> list[str]:
    """The encodings of `OTHERS` that the bytes may be in: one, or several that read different texts of them."""
    texts = {name: text for name in OTHERS if (text := _decoded(sample, name)) is not None}
    odd = {name: oddity(text) for name, text in texts.items()}
    least = min(odd.values(), default=1.0)
    if least > ODD_AT_MOST:
        return []
    names: dict[str, str] = {}  # text -> the first encoding that reads it
    for name, text in texts.items():
        if odd[name] == least:
            names.setdefault(text, name)
    if len(names) == 1:
        return list(names.values())
    weights = _weights(sample)
    if len(sample) - len(sample.decode("ascii", "ignore")) < FEWEST_BYTES or _are_unweighed(
        names.values(), weights
    ):
        return list(names.values())
    weighed = {
        name: max(
            weights.get(codecs.lookup(encoding).name, 0.0) for encoding in texts if texts[encoding] == text
        )
        for text, name in names.items()
    }
    first, *others = sorted(weighed, key=lambda name: -weighed[name])
    best = "cp1252" if "cp1252" in weighed and weighed["cp1252"] == weighed[first] else first
    far = all(
        weighed[best] > weighed[other] * AHEAD.get(best, FAR_AHEAD)
        for other in (first, *others)
        if other != best
    )
    return [best] if far else [first, *others]


def oddity(text: str) -> float:
    """The share of the words beyond ASCII that nobody writes: signs or another case within them, scripts mixed."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    return sum(map(_is_odd, words)) / max(len(words), 1)


def _is_odd(word: str) -> bool:
    scripts = {_script(letter) for letter in word if letter.isalpha()}
    if len(scripts) > 1 and not scripts <= _EAST_ASIAN:
        return True
    if any(unicodedata.category(letter) in ("Cc", "Cn", "Co") for letter in word):
        return True
    return any(_are_odd(name, other) for name, other in pairwise(word))


def _are_odd(name: str, other: str) -> bool:
    """Two characters that follow one another."""
    if name.isascii() and other.isascii():
        return False
    if name.isalpha() and other.isalpha():
        return name.islower() and other.isupper()
    if not (name.isalpha() or other.isalpha()):
        return False
    sign = other if name.isalpha() else name
    if sign.isascii() or sign in _JOINING or sign.isdigit():
        return False
    kind = unicodedata.category(sign)
    return kind in _SIGNS or kind in (("Pi", "Ps") if sign is other else ("Pf", "Pe"))


def _script(letter: str) -> str:
    word = unicodedata.name(letter, "?").partition(" ")[0]
    return _SCRIPTS.get(word, word)


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _weights(sample: bytes) -> dict[str, float]:
    detections = chardet.detect_all(
        sample, ignore_threshold=True, include_encodings=OTHERS, compat_names=False
    )
    return {
        codecs.lookup(detection["encoding"]).name: detection["confidence"]
        for detection in detections
        if detection["encoding"]
    }


def _are_unweighed(names: Iterable[str], weights: dict[str, float]) -> bool:
    """chardet does not know half-width katakana, which are single bytes."""
    return "cp932" in names and not weights.get("cp932")


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of ASCII is zero there."""
    zeros = [head[start::2].count(0) for start in (0, 1)]
    if max(zeros) < max(4, len(head) // 50) or min(zeros) * 10 > max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


class _Seen:
    """What a look through the file shows: its `head`, lines `beyond` ASCII, and how many characters beyond ASCII are
    `utf_8`, and how many bytes are `others`."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.head, self.beyond = b"", bytearray()
        self.utf_8 = self.others = 0
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for chunk in chunks:
            self.head = self.head or chunk[:HEAD_BYTES]
            if chunk.isascii() and not decoder.getstate()[0]:
                continue
            self._count(decoder.decode(chunk))
            if len(self.beyond) < SAMPLE_BYTES:
                self.beyond += b"".join(
                    line for line in chunk.splitlines(keepends=True) if not line.isascii()
                )
        self._count(decoder.decode(b"", final=True))
        cut = self.beyond[:SAMPLE_BYTES]
        self.beyond = cut[: cut.rfind(b"\n") + 1] or cut  # no character is cut

    def _count(self, text: str) -> None:
        try:
            text.encode()
            others = 0
        except UnicodeEncodeError:
            others = sum("\udc80" <= letter <= "\udcff" for letter in text)
        self.others += others
        self.utf_8 += len(text) - len(text.encode("ascii", "ignore")) - others
