"""How a text is read, what stands in it, and that no text takes more than its length in work.

LINEAR=200000 in the environment takes texts of so many letters instead of 20,000."""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import date
from types import FrameType
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.mask import recognise
from export_pipelines.mask.own import own_of
from export_pipelines.mask.reading import read
from export_pipelines_tests.mask import awkward
from export_pipelines_tests.mask.leads import comment, custom, row, value

KB = 1000
LENGTH = int(os.environ.get("LINEAR", "20000"))
LONGEST_S = LENGTH / 20_000  # linear work takes a tenth of it, a square of the length many times
TEXTS = st.text(max_size=30) | st.lists(st.sampled_from(awkward.GLUE + awkward.NAMES)).map("".join)
READ = [
    ("Größe", "grosse"),
    ("José", "jose"),
    (normalize("NFD", "José"), "jose"),
    ("Ｊｏｓé", "jose"),
    ("J\u00ado\u200bs\u00e9", "jose"),
    ("ŁØĐ", "lod"),
    ("١٢٣ ４５ ⑥", "123 45 6"),
    ("%4A%6f", "jo"),
    ("%254A", "j"),
    ("%C3%A9", "e"),
    ("%C3", "\ufffd"),
    ("&#74;&#x6F;&amp;#115;&eacute;", "jose"),
    ("&#0000074;", "j"),
    ("\\u004a\\u00e9", "je"),
    ("\\ud835\\udc09", "j"),
    ("\\\\u004a", "j"),
    ("a\\nb\\tc", "a\nb\tc"),
    ("❶⓿ ፩፪ 𐩀", "10 12 1"),
    ("J\u3164o\u115fs\uffa0e\U000e0002", "jose"),
    ("محـــمد", "محمد"),
    ("O\u02bcNeil \u02bboh \ua78c", "o'neil 'oh '"),
    ("100% of &x; \\q %zz", "100% of &x; \\q %zz"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "letters"), READ)
def test_a_text_is_read_without_encodings_case_width_and_accents(text: str, letters: str) -> None:
    reading = read(text)
    assert reading and reading.letters == letters


@given(text=TEXTS)
def test_each_letter_that_is_read_has_its_place_in_the_text(text: str) -> None:
    reading = read(text)
    if reading is None:
        return
    places = list(reading.places)
    assert len(places) == len(reading.letters) + 1
    assert places == sorted(places) and places[-1] == len(text) and min(places) >= 0


def test_a_text_is_read_as_a_whole_or_not_at_all() -> None:
    text = "jane@x.co"
    for depth in range(1, 9):
        text = "".join(f"%{byte:02X}" for byte in text.encode())
        reading = read(text)
        assert reading is None or reading.letters == "jane@x.co", depth
    assert read(text) is None
    assert recognise.redact(text, own_of(()), ()) == "***"


def everywhere(letters: str, own: Any) -> list[tuple[int, int]]:
    return [(at, at + 2) for at in range(max(len(letters) - 1, 0))]


def letter_a(letters: str, own: Any) -> list[tuple[int, int]]:
    return [(at, at + 1) for at, letter in enumerate(letters) if letter == "a"]


@given(text=TEXTS)
def test_stars_stand_in_the_place_of_what_is_found_and_all_else_stays(text: str) -> None:
    assert recognise.redact(text, own_of(()), (lambda letters, own: (),)) in (text, "***")
    redacted = recognise.redact(text, own_of(()), (letter_a,))
    reading = read(text)
    if reading is None or "a" not in reading.letters:
        return
    places = list(reading.places)
    hidden = {place for at, place in enumerate(places[:-1]) if reading.letters[at] == "a"}
    shown = [letter for at, letter in enumerate(text) if at in places[:-1] and at not in hidden]
    kept = iter(redacted)
    assert all(letter in kept for letter in shown)
    again = read(redacted)
    assert again is None or "a" not in again.letters.replace("***", "")


def test_spans_that_overlap_or_touch_become_one() -> None:
    assert recognise.redact("abcd", own_of(()), (everywhere, letter_a)) == "***"
    spans = [(4, 6), (0, 2), (1, 3), (4, 5)]
    assert recognise.redact("abcdefg", own_of(()), (lambda letters, own: spans,)) == "***d***g"
    assert recognise.redact("abcd", own_of(()), (lambda letters, own: [(0, 2), (2, 4)],)) in ("***", "******")


@pytest.mark.parametrize(
    "value", ["1990-03-05", "1990-03-05T00:00:00", "nonsense", "", "0987-06-05", "1990-13-05"]
)
def test_any_stored_birth_date_is_read(value: str) -> None:
    own = own_of((("dob", value),))
    text = recognise.redact("on 3/5/1990", own, (recognise.own_words,))
    assert text == ("on ***" if value.startswith("1990-03") else "on 3/5/1990")


def test_a_value_that_is_no_number_is_found_where_it_is_never_exported() -> None:
    own = own_of((("credential", "S3cret-Key"), ("ssn", "none")))
    redacted = recognise.redact(
        "the s3CRET-key is none of yours, nonetheless", own, (recognise.never_exported,)
    )
    assert redacted == "the *** is *** of yours, nonetheless"


@pytest.mark.parametrize(
    ("ssn", "text", "after"),
    [
        ("4321", "the last four are 4321.", "the last four are ***."),
        ("4321", "a 43219 and a b4321c and 14321", "a 43219 and a b4321c and 14321"),
        ("012-34-5678", "id 12345678", "id ***"),
        ("012-34-5678", "id 1234 5678 or x 0-12345678", "id *** or x ***"),
        ("012345678", "id 5012345678", "id 5***"),
        ("12345678", "id 012345678", "id ***"),
    ],
)
def test_a_number_that_is_never_exported_is_found_with_and_without_its_zeros(
    ssn: str, text: str, after: str
) -> None:
    assert value({"comments": text, "ssn": ssn}, "comments", None) == after


# Pieces of which a text of any length can be made, so that a step that looks far ahead or back takes a square of it.
PIECES = [
    "1", "1 ", "1-1-1-1-1-1-a", "12 ", "0142", "@", '"@', "@ ", "a@b.co ", "a.", ".", "1.", "%25", "%41", "%2", "%", "%20", "&#64;", "&amp;", "&",
    "&a", "&#x0", "&#0", "\\u0040", "\\", "\\n", "\\u", "\\u00", "a", "ab ", "A1 ", "_", "-", ",", "+", "(", "+(", "é", "\u200b", "\u0301", " ", "\n", '"', "/",
    "?", "#", "utm_a=b&", "&utm_", "=", ":", "987-65-", "987-", "98765432", "mar 3 ", "1990 ", "3 ", "Jane ", "quetzal ", "12 Quetzal ", "李", "/1.1.",
    "'", "a'", "(@", ")", "//a:", "[@]", ";", "build/", "gecko/2010010", "½", "㏠", "ssn", "pass", "api ", "s.", "f", "0f", "0-", "deadbeef-", "[", "[a:", "5️⃣", "{", "x@",
]  # fmt: skip
PERSON: dict[str, Any] = {
    "first_name": "Jane 李伟",
    "address_1": "12 Quetzal Lane",
    "dob": date(1990, 3, 5),
    "ssn": "987-65-4321",
}
Way = Callable[[str], Any]
WAYS: dict[str, Way] = {
    "text": lambda text: comment(f"{text} ann@one.test", **PERSON),
    "without privacy": lambda text: value({"comments": f"{text} 123-45-6789", "ssn": "987-65-4321"}, "comments", None),
    "url": lambda text: value({"landing_page": f"https://x.example/{text}?{text}", "first_name": "Jane"}, "landing_page", "redact"),
    "agent": lambda text: value({"user_agent": f"{text} ann@one.test", "first_name": "Jane"}, "user_agent", "redact"),
    "object": lambda text: custom(json.dumps({"a": f"{text} ann@one.test", text: 1}), **PERSON),
    "name": lambda text: comment("ask Jane, ann@one.test", first_name=text, address_1=text, ssn=text),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_text_takes_no_more_work_than_its_length(way: str) -> None:
    length = min(LENGTH, 50 * KB) if way in ("agent", "object", "name") else LENGTH
    for piece in PIECES:
        before = time.thread_time()
        assert WAYS[way](piece * (length // len(piece))) is not None
        assert time.thread_time() - before < LONGEST_S, piece


def test_a_name_of_any_length_is_looked_for() -> None:
    for piece in ("a", "1", "李", "㏠"):
        name = piece * 5 * LENGTH
        assert comment("so a@b.co", first_name=name, address_1=name) == "so ***"


@pytest.mark.parametrize("way", WAYS)
def test_twice_the_text_takes_twice_the_steps(way: str) -> None:
    for piece in PIECES:
        few, many = (steps(WAYS[way], piece * (length // len(piece))) for length in (KB // 2, 2 * KB))
        assert many < 5 * few + 1000, piece


def steps(way: Way, text: str) -> int:
    """How many functions of Python and C are called."""
    count = 0

    def counted(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        way(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("length", [10 * KB, 100 * KB])
def test_a_long_name_and_a_text_that_repeats_it_take_no_product_of_their_lengths(length: int) -> None:
    words = " ".join(f"q{n:05}z" for n in range(length // 8))
    assert "***" in str(comment(words, first_name=words, address_1=words, last_name=words[::-1]))


def test_personal_keys_take_no_more_room_than_they_have() -> None:
    entries = {f"ann{n}@one.test": n for n in range(20 * KB)}
    masked_text = str(custom(json.dumps(entries)))
    assert list(json.loads(masked_text).values()) == list(entries.values())
    assert len(masked_text) < 20 * KB * 30


def test_a_long_object_is_read() -> None:
    numbers = [5125550142, 1, "ann@one.test", None] * (20 * KB)
    assert json.loads(str(custom(json.dumps(numbers)))) == [None, 1, "***", None] * (20 * KB)


@pytest.mark.parametrize("depth", [10, 100, 200])
@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a":', "}"), ('{"ssn":1,"a":[', "]}")])
def test_a_deep_object_is_redacted_to_its_end(depth: int, before: str, after: str) -> None:
    masked_text = str(custom(before * depth + '"ann@one.test"' + after * depth))
    assert "ann" not in masked_text and masked_text.count("***") == 1
    plain = row({"custom": before * depth + "1" + after * depth}, ["custom"], {})["custom"]
    assert json.loads(plain) is not None
