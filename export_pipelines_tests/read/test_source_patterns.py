"""A pattern means the same on every database, and takes linear time."""

import os

from export_pipelines.definition.filters import Operator as Op
from export_pipelines_tests.read.databases import (
    Database,
)
from export_pipelines_tests.read.test_source_contract import assert_chosen

WORDS = ["a", "a\n", "A", "é", "É", "\u0664", "4", "a b", "a\nb", "a_b", "x" * 28 + "!", ""]
FOUND = {
    "a$": [0],
    "a\n$": [1],
    "(?m)a$": [0, 1, 8],
    "^.$": [0, 2, 3, 4, 5, 6],
    "a.b": [7, 9],
    "(?s)a.b": [7, 8, 9],
    "(?i)é": [3, 4],
    r"^\w$": [0, 2, 6],
    r"\d": [6],
    r"\bb$": [7, 8],
    r"^\p{L}$": [0, 2, 3, 4],
    "a[^x]b": [7, 8, 9],
    "(x+)+$": [],
    "^(?:a|b)": [0, 1, 7, 8, 9],
    "^$": [11],
}


def test_a_pattern_means_the_same_on_every_database(database: Database) -> None:
    database.fill([{"word": word} for word in WORDS])
    others = {pattern: [n for n in range(len(WORDS)) if n not in rows] for pattern, rows in FOUND.items()}
    assert_chosen(database, [("word", Op.MATCHES, pattern, rows) for pattern, rows in FOUND.items()])
    assert_chosen(database, [("word", Op.NOT_MATCHES, pattern, rows) for pattern, rows in others.items()])


def test_a_pattern_takes_linear_time_whatever_the_text_is(database: Database) -> None:
    database.fill([{"word": "a" * size + "!"} for size in (28, 60_000)])
    for pattern in ("(a+)+$", "^(a|a)*$", "^(a?){28}b", "a*a*a*b$", "[a-z]+@", "^a*a*!x$", "^[^b]*b"):
        before = sum(os.times()[:4])
        assert_chosen(database, [("word", Op.MATCHES, pattern, [])])
        assert sum(os.times()[:4]) - before < 5, pattern
