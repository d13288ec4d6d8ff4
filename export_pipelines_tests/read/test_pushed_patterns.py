"""Which patterns a database is asked, and that it finds what RE2 finds."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export_pipelines.patterns import BadPattern, compiled
from export_pipelines.plan.dialects import NotPushable
from export_pipelines.plan.dialects.mariadb_values import COLLATION
from export_pipelines.plan.dialects.patterns import pcre, posix
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.read.databases import Mariadb

PIECES = st.sampled_from(
    ["a", "b", "é", " ", "-", "#", ".", "^", "$", "|", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "(", ")", "(?:", r"\.", r"\$",
     r"\-", "[ab]", "[^a]", "[a-c-]", "[0-9.]", r"[\].]", "[^é\n]", "[$^]", "\n", "]", "}", r"\\", "(?i)", r"\d"]
)  # fmt: skip
SEARCHED = (
    "",
    "a",
    "ab",
    "ba",
    "aab",
    "é",
    "a\n",
    "\n",
    "a\nb",
    "-",
    "a.b",
    "1-",
    "]",
    "c#",
    "$a",
    "^",
    "A",
    " a ",
    "\\",
    "bb\n\n",
)


@pytest.fixture(scope="module")
def asking(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def asking_mariadb(mariadb_url: str) -> Iterator[Any]:
    with Mariadb(mariadb_url).connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET NAMES utf8mb4 COLLATE {COLLATION}")
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'")
        yield cursor


def spelled(pieces: list[str], say: Callable[[str], str]) -> tuple[list[bool], str] | None:
    """What RE2 finds, and how the database is asked, if it is."""
    pattern = "".join(pieces)
    try:
        found = compiled(pattern)
        return [found.search(text.encode()) is not None for text in SEARCHED], say(pattern)
    except (BadPattern, NotPushable):
        return None


@settings(max_examples=examples(150))
@given(pieces=st.lists(PIECES, max_size=5))
@example(pieces=["a", "$"])
@example(pieces=["(", "a", "|", ")", "b", "$", "|", "^"])
@example(pieces=["[^a]", "."])
@example(pieces=["^", "*"])
@example(pieces=["(", ")", "*"])
def test_a_pattern_that_postgresql_is_asked_finds_what_re2_finds(
    asking: psycopg.Connection[Any], pieces: list[str]
) -> None:
    if one := spelled(pieces, posix):
        rows = asking.execute(
            "SELECT text ~ %s FROM unnest(%s::text[]) AS text", (one[1], list(SEARCHED))
        ).fetchall()
        assert [found for (found,) in rows] == one[0]


@settings(max_examples=examples(150))
@given(pieces=st.lists(PIECES, max_size=5))
@example(pieces=["a", "$"])
@example(pieces=["^", ".", "*", "b", "$"])
@example(pieces=["[^a]", "."])
@example(pieces=["a", "|", "b", "$"])
def test_a_pattern_that_mariadb_is_asked_finds_what_re2_finds(asking_mariadb: Any, pieces: list[str]) -> None:
    if one := spelled(pieces, pcre):
        asked = ", ".join(f"%s COLLATE {COLLATION} REGEXP %s" for _ in SEARCHED)
        asking_mariadb.execute(f"SELECT {asked}", [part for text in SEARCHED for part in (text, one[1])])
        assert [bool(found) for found in asking_mariadb.fetchone()] == one[0]


@pytest.mark.parametrize(
    "pattern", ["^a.*@gmail[.]com$", r"^[0-9]{5}(-[0-9]{4})?$", r"\.(org|net)$", "^(TX|CA)"]
)
def test_plain_patterns_are_pushed(pattern: str) -> None:
    assert posix(pattern)


@pytest.mark.parametrize(
    "pattern", ["^a.*@gmail[.]com$", "^[0-9]{5}$", r"\.org$|\.net$", "^TX|^CA", "[0-9]{5}"]
)
def test_plain_patterns_are_pushed_to_mariadb_too(pattern: str) -> None:
    assert pcre(pattern)


@pytest.mark.parametrize("pattern", ["(a|b)c", "^a*a*b", "[a-z]+@", "x|[a-z]{2,}@"])
def test_what_backtracking_may_take_long_for_is_not_pushed_to_mariadb(pattern: str) -> None:
    with pytest.raises(NotPushable):
        pcre(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d",
        r"\w+",
        r"\bword",
        r"(a)\1",
        "(?i)a",
        "a(?=b)",
        "a*+",
        "x{1000}",
        "(a{99}){99}",
        "[[:alpha:]]",
        "***=a",
        r"\z",
        "^*",
    ],
)
def test_what_may_mean_something_else_there_is_not_pushed(pattern: str) -> None:
    with pytest.raises(NotPushable):
        posix(pattern)
