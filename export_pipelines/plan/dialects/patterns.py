"""Regular expressions that mean the same to Python and to a database's own engine: a small, careful selection."""

import re

from export_pipelines.plan.dialects.dialect import NotPushable

RANGE = r"(?:0-9|a-z|A-Z|[0-9]-9|0-[0-9]|a-[a-z]|A-[A-Z])"
TOKENS = re.compile(
    r"""
    (?P<plain>    [^\\^$.|?*+()\[\]{}\0] )
  | (?P<escaped>  \\ [!-/:-@\[-`{-~] )
  | (?P<any>      \. )
  | (?P<start>    \^ )
  | (?P<end>      \$ )
  | (?P<one_of>   \[ \^? (?: """
    + RANGE
    + r""" | [^\\\[\]^&~|-] | \\ [!-/:-@\[-`{-~] )+ -? \] )
  | (?P<group>    \( (?: \?: | (?!\?) ) | \) | \| )
  | (?P<repeat>   (?: [*+?] | (?<!\)) \{ \d{1,2} (?: , \d{0,2} )? \} ) \?? (?![*+?{]) )
    """,
    re.VERBOSE,
)
SAID = {"any": r"[^\n]", "end": r"(?=\n?$)"}


def posix(pattern: str) -> str:
    """Python's `pattern` as PostgreSQL's advanced regular expression, in which `.` and `[^x]` take a line's end too and
    `$` is the very end. Raises NotPushable where flags, classes such as `\\w`, which depend on the locale, backward
    references or looking around come in."""
    said, at = [], 0
    while at < len(pattern):
        token = TOKENS.match(pattern, at)
        if token is None:
            raise NotPushable("a regular expression of Python's own")
        assert token.lastgroup
        said.append(SAID.get(token.lastgroup, token[0]))
        at = token.end()
    return "".join(said)
