"""The prefilter misses nothing: what a batch loses is what the recognisers alone take from each text of each row."""

from random import Random
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipelines.mask import reading, recognise
from export_pipelines.mask.own import NOBODY, own_of
from export_pipelines.mask.prefilter import NEAR_OWN, Prefilter
from export_pipelines.mask.redact_columns import redacted_url
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.mask import awkward
from export_pipelines_tests.mask.expected import Expected, expected, parsed, same, without_repeats
from export_pipelines_tests.mask.leads import Lead, shown

FIELDS = ("comments", "city", "user_agent", "landing_page", "gender", "custom")
REDACTED = {field: "redact" for field in FIELDS if field != "gender"}  # a closed type, that needs no word
OWN = ("first_name", "last_name", "address_1", "dob")


@settings(max_examples=examples(30))
@given(leads=st.lists(awkward.leads(), min_size=1, max_size=4))
def test_no_row_is_missed(leads: list[dict[str, Any]]) -> None:
    wanted = [expected(lead) for lead in leads]
    redacted = shown(leads, FIELDS, REDACTED)
    without_privacy = shown([_without(OWN, lead) for lead in leads], FIELDS, {})
    for lead, want, shown_row, other in zip(leads, wanted, redacted, without_privacy, strict=True):
        _require(lead, want.redacted, shown_row)
        _require(lead, want.without_privacy, other)


def _without(ids: tuple[str, ...], lead: Lead) -> dict[str, Any]:
    return {id: value for id, value in lead.items() if id not in ids}


def _require(lead: Lead, want: dict[str, Any], shown_row: dict[str, Any]) -> None:
    for field in FIELDS:
        if field != "custom" or lead[field] is None:
            assert shown_row[field] == want[field], field
        elif same(want[field], parsed(lead[field])):
            assert shown_row[field] == lead[field]  # byte for byte
        else:
            assert same(parsed(shown_row[field]), want[field])


WORDS_OF_SNAPSHOT = [
    {},
    {"lead": "redact"},
    {"lead": "keep", "lead.landing_page": "redact", "lead.email": "hash", "lead.custom.*": "redact"},
    {"lead": "redact", "lead.email": "mask", "lead.city": "keep", "lead.first_name": "hash", "lead.landing_page": "mask"},
    {"lead": "redact", "lead.phone_1": "remove", "lead.custom": "keep", "lead.comments": "tokenize"},
    {"lead": "mask", "lead.comments": "redact", "lead.dob": "mask"},
]  # fmt: skip


@settings(max_examples=examples(30))
@given(events=st.lists(awkward.snapshots(), min_size=1, max_size=3), words=st.sampled_from(WORDS_OF_SNAPSHOT))
def test_what_is_hidden_in_an_object_does_not_hang_on_what_else_is_in_it(
    events: list[dict[str, Any]], words: dict[str, str]
) -> None:
    """An object that has to be read, for the sake of its last entry, loses what it loses without that entry."""
    if not any(word in ("redact", "mask") for word in (words.get("lead"), words.get("lead.landing_page"))):
        events = [{"lead": event["lead"], "lead.ssn": event["lead.ssn"]} for event in events]
    read = [event | {"lead": event["lead"][:-1] + ',"last":"ann@one.test 123-45-6789"}'} for event in events]
    alone, beside = shown(events, ["lead"], words, "event"), shown(read, ["lead"], words, "event")
    for event, shown_row, other in zip(events, alone, beside, strict=True):
        want = without_repeats(parsed(other["lead"]))
        assert want.pop()[0] == "last"
        assert without_repeats(parsed(shown_row["lead"])) == want
        if want == without_repeats(parsed(event["lead"])) == parsed(event["lead"]):
            assert shown_row["lead"] == event["lead"]  # byte for byte


def test_rows_are_told_apart_in_a_long_batch() -> None:
    """More rows than a block of any kind, most of which hold nothing."""
    leads = [
        {
            "comments": f"ask {'Ann' if n % 7 == 0 else 'nobody'} {n}",
            "city": "Ann" if n % 11 == 0 else None,
            "first_name": "Ann" if n % 5 == 0 else None,
            "last_name": "Öz" if n % 3 == 0 else "Nobody" if n % 1000 == 1 else None,
            "ssn": "987-65-4321" if n % 13 == 0 else None,
            "custom": f'{{"n":{n},"to":"ÖZ"}}' if n % 2 else None,
        }
        for n in range(5000)
    ]
    fields = ("comments", "city", "custom")
    masked_rows = shown(leads, fields, dict.fromkeys(fields, "redact"))
    for n, (lead, masked_row) in enumerate(zip(leads, masked_rows, strict=True)):
        names = {lead["first_name"], lead["last_name"]}
        word = "nobody" if n % 7 else "Ann"
        assert masked_row["comments"] == f"ask {'***' if word.title() in names else word} {n}"
        assert masked_row["city"] == (None if lead["city"] is None else "***" if "Ann" in names else "Ann")
        assert masked_row["custom"] == (
            f'{{"n":{n},"to":"***"}}' if lead["custom"] and "Öz" in names else lead["custom"]
        )


def test_what_the_test_expects_of_an_object_is_right() -> None:
    lead = dict.fromkeys(FIELDS) | dict.fromkeys(OWN) | {"ssn": "987-65-4321", "first_name": "Ann"}
    lead["custom"] = (
        '{"a":[5125550142,1.10,"Ann"],"ssn":1,"a@b.co":987654321,"loan_amount":"Ann","x":1,"x":2}'
    )
    want: Expected = expected(lead)
    assert want.redacted["custom"] == parsed(
        '{"a":[null,1.10,"***"],"ssn":null,"***":null,"loan_amount":"Ann","x":1}'
    )
    assert want.without_privacy["custom"] == parsed(
        '{"a":[5125550142,1.10,"Ann"],"ssn":null,"a@b.co":null,"loan_amount":"Ann","x":1}'
    )
    assert without_repeats(parsed('{"a":1,"b":2,"a":3}')) == parsed('{"a":1,"b":2}')


PIECES = (
    *("main", "ave", "apt", "5", "2nd", "st", ",", "b", "unit", "fl", "n", "o'neil", "\u6771", "\u00e9", "\uff0c", "12"),
    *("x", "j", "r", "main5", "5main", "suite", "lot", "rear", "#", "-", "a", "2j", "\ufb01", "\u00f1", "\u00ad", "st."),
)  # fmt: skip


def test_no_name_and_no_street_is_missed_however_its_words_stand_together() -> None:
    """Of streets the pass looks for two words that follow each other; which of them may be left out is a matter of commas,
    units in a house, digits and scripts."""
    pick = Random(7)

    def word(most: int) -> str:
        pieces = [pick.choice(PIECES) + pick.choice((" ", " ", "", ", ", "-")) for _ in range(most)]
        return "".join(pieces[: pick.randint(1, most)])

    def repeated(value: str) -> str:
        words = value.replace(",", " ").split()
        first = pick.randrange(len(words) or 1)
        between = pick.choice((" ", "-", " . ", "\n", ", "))
        part = between.join(words[first : pick.randint(first, len(words))])
        return pick.choice(("", "x ", word(2))) + pick.choice((part, part.upper())) + pick.choice(("", " y"))

    names, streets = [word(4) for _ in range(20_000)], [word(6) for _ in range(20_000)]
    texts = [repeated(pick.choice(pair)) for pair in zip(names, streets, strict=True)]
    own = [("name", pl.Series(names)), ("street", pl.Series(streets))]
    near = Prefilter(own, [], len(texts)).flags(pl.Series(texts)) & NEAR_OWN
    rows = zip(names, streets, texts, near, strict=True)
    missed = [
        (name, street, text)
        for name, street, text, flags in rows
        if not flags
        and list(recognise.own_words(reading.fold(text), own_of([("name", name), ("street", street)])))
    ]
    assert missed == []
    assert (near == 0).sum() > len(texts) // 3


ID_PIECES = st.one_of(
    st.text("0123456789abcdefABCDEF", min_size=18, max_size=30),
    st.text("0123456789", min_size=1, max_size=12),
    st.uuids().map(str),
    st.sampled_from(
        [*"/-_.g%~:é\u200b", "%2f", "%41", "%2", "\\b", "\\u0041", "&amp", "/build/", "1.2.345", "١"]
    ),
)


@settings(max_examples=examples(300))
@given(pieces=st.lists(ID_PIECES, min_size=1, max_size=7))
def test_no_number_beside_an_id_of_a_url_is_missed(pieces: list[str]) -> None:
    url = "https://cert.example.com/" + "".join(pieces)
    (flags,) = Prefilter([], [], 1).flags(pl.Series("landing_page", [url]), is_url=True)
    assert flags or redacted_url(url, NOBODY, ()) == url


def test_a_url_that_ends_with_an_id_is_read_no_further() -> None:
    ids = ["5f3a" + "0123456789" * 3, "12345678-1234-1234-1234-12345678901a"]
    urls = [f"https://cert.example.com/{id}" for id in (*ids, "12345678")]
    assert [flag > 0 for flag in Prefilter([], [], 3).flags(pl.Series("", urls), is_url=True)] == [
        False,
        False,
        True,
    ]
