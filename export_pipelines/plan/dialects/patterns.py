"""Patterns of RE2 that a database's own engine takes for the same, and answers in linear time: a small, careful selection."""

import re
from collections.abc import Iterator

from export_pipelines.plan.dialects.dialect import NotPushable

RANGE = r"(?:0-9|a-z|A-Z|[0-9]-9|0-[0-9]|a-[a-z]|A-[A-Z])"
TOKENS = re.compile(
    r"""
    (?P<plain>    [^\\^$.|?*+()\[\]{}\0] )
  | (?P<escaped>  \\ [!-/:-@\[-`{-~] )
  | (?P<any>      \. )
  | (?P<start>    \^ (?! [*+?{] ) )
  | (?P<end>      \$ (?! [*+?{] ) )
  | (?P<one_of>   \[ \^? (?: """
    + RANGE
    + r""" | [^\\\[\]^&~|-] | \\ [!-/:-@\[-`{-~] )+ -? \] )
  | (?P<open>     \( (?: \?: | (?!\?) ) )
  | (?P<close>    \) )
  | (?P<either>   \| )
  | (?P<repeat>   (?: [*+?] | (?<!\)) \{ \d{1,2} (?: , \d{0,2} )? \} ) \?? (?![*+?{]) )
    """,
    re.VERBOSE,
)
Token = tuple[str, str]  # its name in TOKENS, and its text


def posix(pattern: str) -> str:
    """The pattern as PostgreSQL's advanced regular expression, in which `.` takes a line's end too. Its engine has
    states and no backtracking, as long as no group is referred to. Raises NotPushable where flags, classes such as
    `\\w`, which depend on the locale there, or long repetitions come in."""
    said = {"any": r"[^\n]", "open": "(?:"}
    return "".join(said.get(kind, text) for kind, text in _tokens(pattern))


def pcre(pattern: str) -> str:
    """The pattern as PCRE has it, in which `$` stands before a last line's end too. PCRE tries all ways, so what could
    take more than linear time is not pushed either: groups, and of repetitions all but one at a fixed place."""
    said = {"any": r"[^\n]", "end": r"\z"}
    tokens = list(_tokens(pattern))
    for branch in _branches(tokens):
        repeats = [text for kind, text in branch if kind == "repeat"]
        endless = any(text.startswith(("*", "+")) or ",}" in text for text in repeats)
        if len(repeats) > 1 or (endless and branch[0][0] != "start"):
            raise NotPushable("a pattern that backtracking may take long for")
    return "".join(said.get(kind, text) for kind, text in tokens)


def _tokens(pattern: str) -> Iterator[Token]:
    at = 0
    while at < len(pattern):
        token = TOKENS.match(pattern, at)
        if token is None or token.lastgroup is None:
            raise NotPushable("a pattern in RE2's own words")
        yield token.lastgroup, token[0]
        at = token.end()


def _branches(tokens: list[Token]) -> Iterator[list[Token]]:
    branch: list[Token] = []
    for kind, text in tokens:
        if kind in ("open", "close"):
            raise NotPushable("a pattern with groups")
        if kind == "either":
            yield branch
            branch = []
        else:
            branch.append((kind, text))
    yield branch
