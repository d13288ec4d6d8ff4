"""No row is passed over whose text holds one of its masked values, in whatever letters."""

import json
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import SourceColumn
from export_pipelines.stream.repeats import repeated, sought
from export_pipelines_tests.stream.tables import column, plan_of, watching

NAME, PHONE = "Kurt Weiß-Núñez", "1 (213) 555-8931"
SIGNS = '_*: NRTnrtkKsS\u212aſßẞiİfﬁﬀÉéñÑ\u0301n125+%-\u2013() \xa0\u2009\n\u00ad\uff11."[{\\/\x00'
LETTERS = st.text(st.sampled_from(SIGNS), max_size=12)
SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.casefold,
    quote,
    quote_plus,
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False),
    lambda value: value.replace("ß", "ss"),
    lambda value: value.replace("K", "\u212a"),
    lambda value: value.replace(" ", "\xa0"),
    lambda value: value.replace(" ", "\u2009").replace("-", " - "),
    lambda value: value.replace("-", "\u2013"),
    lambda value: unicodedata.normalize("NFD", value),
    lambda value: quote(quote(value)),
    lambda value: "".join(sign for sign in value if sign.isalnum()),
]


def flags(texts: list[str | None], name: str | None, phone: str | None) -> list[bool]:
    """Whether each of `texts` has to be looked at in the row of this person."""
    columns = {"comments": texts, "last_name": [name] * len(texts), "phone_1": [phone] * len(texts)}
    return flagged(columns, {"last_name": "name", "phone_1": "phone"})


def flagged(columns: dict[str, list[str | None]], watched: dict[str, str]) -> list[bool]:
    """Whether the other columns of each row have to be looked at for the watched ones, of these types."""
    searched = [name for name in columns if name not in watched]
    plan = plan_of([column(name, Kind.TEXT) for name in searched])
    assert plan.masking
    source = [SourceColumn(name=name, kind=Kind.TEXT, type=type) for name, type in watched.items()]
    query = plan.masking.query.model_copy(update={"columns": (*source, *plan.masking.query.columns)})
    masking = {"query": query, "watched": tuple(watched), "searched": tuple(searched)}
    plan = plan.model_copy(update={"masking": plan.masking.model_copy(update=masking)})
    rows = watching(plan, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))).rows
    return [row in rows for row in range(len(columns[searched[0]]))]


@pytest.mark.parametrize("value", [PHONE, "1-213-555-8931", "213 5558931"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_row_is_looked_at_that_holds_its_phone(value: str, spelling: Callable[[str], str]):
    assert flags([f"call {spelling(value)} now"], NAME, PHONE) == [True]


@pytest.mark.parametrize("spelling", SPELLINGS[:-1])
def test_a_row_is_looked_at_that_holds_its_name(spelling: Callable[[str], str]):
    spelled = spelling(NAME).replace("\xa0", " ").replace("\u2009", " ").replace(" - ", "-")
    assert flags([f"call {spelled} now"], NAME, PHONE) == [True]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Li Wu", "call Li Wu now"),
        ("J O", "j o"),
        ("5 A St", '{"street":"5 a  st"}'),
        ("Łóż", "łóż"),
        ("Turner", r"call Tu\Rner"),
        ("\ufecb\ufefc", "علا"),
        ("Ñuñ", "x ñuñ x"),
    ],
)
def test_a_short_or_odd_name_is_found(name: str, text: str):
    assert repeated(text, sought([("name", name)])) and flags([text], name, None) == [True]


@pytest.mark.parametrize("phone", ["213_555_8931", "213*555*8931", "213: 555: 8931", "+1-213-555-8931 x12"])
def test_a_phone_is_told_by_its_digits_whatever_stands_between(phone: str):
    assert flags(["call 2135558931 now", "call (213) 555-8931"], None, phone) == [True, True]


def test_a_short_name_hides_no_other_value():
    assert flags(["70062459920 now", "call ñs文 now", "ñs", "s文"], "ñs文", "0062459920 ") == [
        True, True, False, False,
    ]  # fmt: skip


def test_numbers_of_two_rows_are_two_numbers():
    texts = ["21355", "58931", "213555", "8931 x", "2" * 300, "+" * 300 + "2135558931", "2 1 3 5 5 5 8 9 3 1"]
    assert flags(texts, None, PHONE) == [False] * 5 + [True] * 2


def test_each_row_is_searched_for_its_own_values():
    columns = {
        "comments": ["to b@x.org", "to b@x.org", None, "%62%40x.org"],
        "email": ["a@x.org", "B@x.org", "c@x.org", "b@x.org"],
    }
    assert flagged(columns, {"email": "email"}) == [False, True, False, True]


def test_each_row_that_is_decoded_is_searched_for_its_own_values():
    rows = [
        ("nothing", "Turner", PHONE, False),
        ("%54homas", "Turner", PHONE, False),
        ("gr%69fith", "Griﬁth", PHONE, True),
        ("%54urner", "Turner", PHONE, True),
        ("at %4A O", "J O", PHONE, True),
        ("gr%65en", "Griﬁth", PHONE, False),
        ("%65z ñ", "Núñez", PHONE, False),
        ("at %4A Q", "J O", PHONE, False),
        ("5%355 8931", "Turner", "555-8931", True),
        ("5%355 8931", "Turner", PHONE, False),
        ("213 5%355-8931", "Turner", PHONE, True),
        ("%4Ciz", "Li", "555-8931", False),
        ("%61%40x.org", "a@x.org", PHONE, True),
        ("%54urner", "Turner", PHONE, True),
        ("%62%40x.org", "a@x.org", PHONE, False),
    ]
    texts, names, phones, held = zip(*rows, strict=True)
    columns = {"comments": list(texts), "last_name": list(names), "phone_1": list(phones)}
    assert flagged(columns, {"last_name": "name", "phone_1": "phone"}) == list(held)


def test_an_address_is_looked_for_where_an_at_stands():
    columns = {
        "comments": ["a@x.org", "to a b@x.org", "%61%40x.org", "a at x.org", "to @", "n/a, sorry"],
        "email": ["a@x.org", "a-longer-name b@x.org", "a@x.org", "a@x.org", "a@x.org", "n/a"],
    }
    assert flagged(columns, {"email": "email"}) == [True, False, True, False, False, True]


def test_all_texts_of_a_row_are_searched():
    texts = [("to b@x.org", None), (None, "to b@x.org"), ("a", "b%40x.org"), ("b@x", ".org"), (None, None)]
    first, second = zip(*texts, strict=True)
    columns = {"comments": list(first), "url": list(second), "email": ["b@x.org"] * len(texts)}
    assert flagged(columns, {"email": "email"}) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('["ab@c.de", "much-longer-run-here"]', "to ab@c.de"),
        ("½", "1\u20442"),
        ("Griﬁth", "griFith"),
        ("éé\\", quote(quote(quote("éé\\")))),
    ],
)
def test_a_row_is_read_where_its_value_may_be_spelled_otherwise(value: str, text: str):
    assert repeated(text, sought([("name", value)])) and flags([text], value, None) == [True]


def test_blanks_that_are_encoded_hide_nothing():
    texts = ["to%20Kurt%20Weiss", "q=Li%20Wu", "213%20555%208931", "213%20%2B555%208931", r"213%20\n5558931"]
    assert flags(texts, "Weiss", PHONE) == [True, False, True, True, True]
    assert flags(texts[:2], "Li Wu", PHONE) == [False, True]


def test_a_row_that_is_encoded_twice_is_read():
    assert flags(["x", quote(quote(NAME)), "y"], NAME, None) == [False, True, False]


@pytest.mark.parametrize("length", [255, 256, 257, 263, 264, 511, 512, 520])
def test_a_phone_in_very_many_digits_is_found(length: int):
    assert flags(["1" * (length - 10) + "2135558931"], None, PHONE) == [True]


def test_other_rows_are_passed_over():
    texts = [
        None, "", "Kurt", "call 213-555-8932 now", "90%+ of all", "größer", "\u2009", "%20", "%4Burt", "%4Bat",
        "213 555%208932",
    ]  # fmt: skip
    assert flags(texts, NAME, PHONE) == [False] * len(texts)
    assert flags(["Kurt", "", None], None, None) == [False] * 3
    assert flags(["a b"], "ab", "123") == [False]


TEXT = st.builds(
    lambda before, value, spelled, after: before + spelled(value) + after,
    LETTERS,
    st.sampled_from([NAME, PHONE, "Li", "Ñuñ"]) | LETTERS,
    st.sampled_from(SPELLINGS),
    LETTERS,
)
ROW = st.tuples(
    st.tuples(*[st.none() | TEXT] * 3),
    st.none() | st.sampled_from([NAME, "Li", "Ñuñ"]) | LETTERS,
    st.none() | st.just(PHONE) | LETTERS,
)


@given(rows=st.lists(ROW, min_size=1, max_size=6), searched=st.integers(1, 3))
def test_no_value_is_missed(rows: list[tuple[tuple[str | None, ...], str | None, str | None]], searched: int):
    texts, names, phones = zip(*rows, strict=True)
    columns = {f"text {n}": [row[n] for row in texts] for n in range(searched)}
    columns |= {"last_name": list(names), "phone_1": list(phones)}
    found = flagged(columns, {"last_name": "name", "phone_1": "phone"})
    for row, name, phone, flag in zip(texts, names, phones, found, strict=True):
        values = [(type, value) for type, value in (("name", name), ("phone", phone)) if value]
        assert flag or not any(repeated(text, sought(values)) for text in row[:searched] if text)
