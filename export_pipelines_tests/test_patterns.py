"""The dialect of patterns: what is refused, in whose words, and what a pattern may cost."""

import re
import time

import pytest

from export_pipelines.patterns import LONGEST, BadPattern, compiled, is_found


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(zoe.secret", "a ) is missing"),
        ("[zoe.secret", "a ] is missing"),
        ("zoe.secret)", "a ) has no ("),
        (r"(zoe.secret)\1", "no backward references"),
        ("zoe(?=secret)", "no looking around"),
        ("zoe(?<!secret)", "no looking around"),
        (r"zoe.secret\Z", r"\z is the end"),
        ("zoe.secret{1001}", "more than 1000 times"),
        ("(zoe.secret{100}){100}", "more than 1000 times"),
        ("zoe.secret**", "one repetition follows another"),
        ("*zoe.secret", "nothing before it"),
        ("(?P<zoe.secret", "name of a group"),
        ("[z-a]", "range or class"),
        ("zoe.secret\\", "ends in a backslash"),
        ("zoe.secret\ud83d", "half a character"),
        ("zoe.secret" * 101, "more than 1,000 characters"),
        (r"(?i)[\pL\pN]{9}zoe.secret", "steps, of at most 4,000"),
        (r"\pL{1000}zoe.secret", "too large"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason_and_without_its_text(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(why)) as caught:
        compiled(pattern)
    assert "zoe" not in str(caught.value) and "secret" not in str(caught.value)


def test_nothing_is_said_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadPattern):
        compiled("(zoe.secret")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*b$", "(a?){500}(a){500}b", "((a{0,9}){0,9}){0,9}x", "[a-zé]{0,100}[a-z]{0,100}x", "a" * LONGEST],
)  # fmt: skip
@pytest.mark.parametrize("letters", ["a", "é", "ab"])
def test_the_dearest_pattern_takes_seconds_for_200_000_letters(pattern: str, letters: str) -> None:
    text = (letters * 200_000)[:200_000].encode() + b"!"
    before = time.process_time()
    is_found(pattern, text)
    assert time.process_time() - before < 20
