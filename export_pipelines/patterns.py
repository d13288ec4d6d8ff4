"""The one dialect of patterns, that of RE2: a text goes in, whether a pattern is found in it comes out, in linear time."""

from functools import lru_cache

import re2

LONGEST = 1000  # characters of a pattern
MOST_STEPS = 4000  # of its program: what one letter of a text costs at most
MEMORY_BYTES = 1 << 20  # of a compiled pattern, with what it remembers of the texts that it met
KEPT = 128  # compiled patterns
SYNTAX = "https://github.com/google/re2/wiki/Syntax"
# RE2's word for a fault -> ours; its text quotes the pattern, which may be a person's, after the colon
_PLAIN = {
    "missing )": "a ) is missing",
    "unexpected )": "a ) has no (",
    "missing ]": "a ] is missing",
    "bad repetition operator": "one repetition follows another",
    "no argument for repetition operator": "a repetition has nothing before it",
    "invalid repetition size": "a repetition is of more than 1000 times in all, or of less than nothing",
    "invalid perl operator": "after (? only i, m, s, U, : and P<name> are known: no looking around, no conditions",
    "invalid escape sequence": "an escape is not known: no backward references, and \\z is the end",
    "invalid named capture group": "the name of a group is not closed, not of letters, or there twice",
    "invalid character class range": "a range or class in brackets is not known",
    "trailing \\": "it ends in a backslash",
    "pattern too large - compile failed": "it is too large",
}


class BadPattern(ValueError):
    """The text is no pattern; its text says why, and never quotes it."""


@lru_cache(KEPT)
def compiled(pattern: str) -> "re2._Regexp":
    """The compiled pattern, whose `search` takes UTF-8. Raises BadPattern for one that is wrong or too large."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"it has more than {LONGEST:,} characters")
    try:
        compiled = re2.compile(pattern.encode(), _OPTIONS)
    except UnicodeEncodeError as error:
        raise BadPattern("it holds half a character") from error
    except re2.error as error:
        said = error.args[0].decode(errors="replace")
        word = next((name for name in _PLAIN if said.startswith(name)), said.partition(":")[0])
        raise BadPattern(_PLAIN.get(word, word)) from error
    if compiled.programsize > MOST_STEPS:
        raise BadPattern(f"it is too large: {compiled.programsize:,} steps, of at most {MOST_STEPS:,}")
    return compiled


def is_found(pattern: str, text: bytes) -> bool:
    """Whether the pattern is found anywhere in a text of UTF-8. Raises BadPattern."""
    return compiled(pattern).search(text) is not None


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = MEMORY_BYTES
    options.log_errors = False  # they would quote the pattern
    options.never_capture = True
    return options


_OPTIONS = _options()
