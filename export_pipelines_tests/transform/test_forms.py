"""How long the parts of a value may be before it is none of its type, and what the patterns that ask so are made of."""

import re

import pytest

from export_pipelines.transform import components
from export_pipelines.transform.components import is_valid

EDGES = [  # of what may be so long, with one letter more
    ("email", "ann@{}.com", 63),
    ("email", "ann@mail.{}", 63),
    ("email", "ann@mail.{}.com", 63),
    ("url", "https://{}.com/a", 63),
    ("url", "https://www.{}", 63),
    ("url", "https://www.{}:443", 63),
    ("url", "https://ann@{}.com", 63),
    ("name", "{}", 61),
    ("name", "  {}", 61),
]
FREE = ["https://{}@host.com", "https://host.com/{}", "https://host.com/?q={}", "https://host.com#{}"]
COUNTED = re.compile(r"(?:\\p\{\w+\}|\[[^]]*\\p[^]]*\])\{")


@pytest.mark.parametrize("letters", ["a", "é", "п", "名"])
@pytest.mark.parametrize(("type", "around", "most"), EDGES)
def test_what_is_too_long_by_one_letter_is_none(type: str, around: str, most: int, letters: str) -> None:
    assert is_valid(type, around.format(letters * most))
    assert not is_valid(type, around.format(letters * (most + 1)))


@pytest.mark.parametrize("around", FREE)
def test_what_is_no_host_in_a_url_may_be_as_long_as_it_likes(around: str) -> None:
    assert is_valid("url", around.format("a" * 500))


def test_the_part_of_an_address_before_its_host_may_be_long() -> None:
    assert is_valid("email", f"{'a' * 100}@host.com")


def test_no_pattern_counts_letters_of_all_scripts() -> None:
    patterns = {
        name: text for name, text in vars(components).items() if name.isupper() and isinstance(text, str)
    }
    assert {"EMAIL", "URL", "NAME", "LABEL"} <= patterns.keys()
    assert not [name for name, text in patterns.items() if COUNTED.search(text.replace("{2,}", "+"))]
    assert COUNTED.search(r"[\p{L}\p{M} .'’-]{0,60}") and COUNTED.search(r"\p{L}{2,63}")
