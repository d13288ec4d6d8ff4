"""The prefilter misses nothing: what a batch loses is what the recognisers alone take from each text of each row."""

import json
from functools import cache
from html.entities import html5
from random import Random
from typing import Any
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.mask import reading, recognise
from export_pipelines.mask.own import Own, own_of
from export_pipelines.mask.prefilter import NEAR_OWN, Prefilter
from export_pipelines.mask.redact import redactor
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


@cache
def signs() -> list[tuple[str, str]]:
    """Every sign beside ASCII that is read as something in ASCII, or as nothing, and what it is read as."""
    pairs = [
        (chr(code), reading.fold(chr(code))) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000
    ]
    return [(sign, plain) for sign, plain in pairs if plain.isascii()]


def commented(texts: list[str], **lead: Any) -> list[str]:
    leads = [{"comments": text, **lead} for text in texts]
    return [masked_row["comments"] for masked_row in shown(leads, ["comments"], {"comments": "redact"})]


def alone(texts: list[str], own: Own) -> list[str]:
    return [redactor("text")(text, own) for text in texts]


@pytest.mark.parametrize(
    "around", ["call 55501{0}{0}", "{0}555014", "555014{0}", "555{0}0142", "jane{0}x.co", "a {0} b"]
)
def test_every_sign_counts_as_what_it_is_read_as(around: str) -> None:
    texts = [around.format(sign) for sign, _ in signs()]
    assert commented(texts) == alone(texts, Own())


def test_every_letter_counts_as_what_it_is_read_as() -> None:
    letters = [(sign, plain) for sign, plain in signs() if plain.isalpha() or plain == ""]
    leads = [{"comments": f"so q{sign}z", "first_name": f"q{plain}z"} for sign, plain in letters]
    texts = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {"comments": "redact"})]
    assert texts == ["so ***"] * len(leads)
    stored = [{"comments": f"so Q{plain}Z", "first_name": f"q{sign}z"} for sign, plain in letters]
    texts = [masked_row["comments"] for masked_row in shown(stored, ["comments"], {"comments": "redact"})]
    assert texts == ["so ***"] * len(stored)


@pytest.mark.parametrize(
    "text", ["987-{0}{0}{0}{0}65-4321", "9{0}87-65-4321", "987-65-4321{0}", "98765{0}{0}4321"]
)
@pytest.mark.parametrize("own", [None, "987-65-4321"])
def test_signs_that_are_not_shown_hide_no_number_without_privacy(text: str, own: str | None) -> None:
    texts = [text.format(sign) for sign, plain in signs() if plain == ""]
    leads = [{"comments": text, "ssn": own} for text in texts]
    values = own_of((("ssn", own),)) if own else Own()
    comments = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {})]
    assert comments == [recognise.redact(text, values, (recognise.never_exported,)) for text in texts]


@pytest.mark.parametrize("around", ["555{}0142", "jane{}x.co", "x{}Jane", "98{}5-65-4321"])
def test_every_named_entity_counts_as_what_it_stands_for(around: str) -> None:
    texts = [around.format(f"&{name}") for name in html5 if name.endswith(";")]
    assert commented(texts, first_name="Jane") == alone(texts, own_of((("name", "Jane"),)))


@pytest.mark.parametrize(
    "encoding", ["%{:02X}", "%{:02x}", "%25{:02X}", "&#{};", "&#x{:x};", "\\u{:04x}", "\\\\u{:04X}"]
)
@pytest.mark.parametrize(
    "around",
    [
        "512{0}555{0}0142",
        "jane{0}x.co",
        "x{0}Jane",
        "Jane{0}x",
        "José{0}José",
        "3{0}5{0}1990",
        "987{0}65{0}4321",
        "ja{0}ne",
    ],
)
def test_every_encoded_sign_counts_as_what_it_stands_for(encoding: str, around: str) -> None:
    texts = [around.format(encoding.format(code)) for code in range(0x100)]
    lead = {"first_name": "Jane", "last_name": "José", "address_1": None}
    own = own_of((("name", "Jane"), ("name", "José")))
    assert commented(texts, **lead) == alone(texts, own)


@pytest.mark.parametrize("between", ["%20", "%2D", "%2d", "\\n", "%0A", " ", "\u200b", "&#45;", "%2520"])
@pytest.mark.parametrize("parts", [(3, 2, 4), (5, 4), (1, 8), (3, 3, 3), (1,) * 9])
def test_an_own_number_is_found_without_privacy_whatever_is_encoded_in_it(
    between: str, parts: tuple[int, ...]
) -> None:
    number, groups = "987654321", list[str]()
    for size in parts:
        groups, number = [*groups, number[:size]], number[size:]
    for text in (between.join(groups), f"x {between.join(groups)}, y"):
        (masked_row,) = shown([{"comments": text, "ssn": "987-65-4321"}], ["comments"], {})
        assert masked_row["comments"] == text.replace(between.join(groups), "***")


KEYS = st.lists(
    st.sampled_from(
        ["ssn", "SSN", "ss", "S", "s", "N", "no", "num", "4", "four", "last", "digits", "nr", "soc", "social", "security", "sec", "number", "pass",
         "word", "wd", "phrase", "code", "pwd", "p", "w", "d", "secret", "credential", "api", "private", "access", "encryption", "signing", "ssh",
         "auth", "refresh", "bearer", "session", "key", "keys", "token", "Token", "seguro", "client", "insurance", "income", "class", "name", "a",
         " ", "_", "-", ".", "#", "/", "][", "  ", ". ", "\u00a0", "\u200b", "\u2011", "\t", '"', "\\", "é", "Ｓ", "ｓｓｎ", "ſ", "Ⅳ", "№", "1", "9", ":", "K"]
    ),
    min_size=1,
    max_size=7,
).map("".join)  # fmt: skip


@settings(max_examples=examples(80))
@given(keys=st.lists(KEYS, min_size=1, max_size=20), ascii_only=st.booleans())
@example(
    keys=["S. S. N.", 'ssn "last"', "p-w-d", "oauth[access][token]", "ＳＳＮ", "a.p.i key"], ascii_only=False
)
def test_no_key_of_a_never_exported_type_is_missed(keys: list[str], ascii_only: bool) -> None:
    texts = [json.dumps({"a": {key: "x"}}, ensure_ascii=ascii_only) for key in keys]
    after = [json.dumps({"a": {key: None}}) if never_exported_type(key) else None for key in keys]
    for privacy in ({}, {"custom": "redact"}, {"custom": "keep"}):
        objects = [
            masked_row["custom"]
            for masked_row in shown([{"custom": text} for text in texts], ["custom"], privacy)
        ]
        for text, nulled, masked_text in zip(texts, after, objects, strict=True):
            assert json.loads(masked_text) == json.loads(nulled) if nulled else masked_text == text


NEVER_EXPORTED = [
    "ssn", "ss no", "ss4", "social security", "soc sec", "password", "pwd", "api key", "secret", "credential", "seguro social",
    "private key", "session token", "signing keys", "ssh key", "auth token", "bearer token", "encryption key", "access token", "passcode",
]  # fmt: skip
APART = ["\t", "\n", "\\", "/", '"', "\\n", "  ", "][", ": ", "–", "\u00a0", ".-."]


def spelled_otherwise(name: str) -> list[str]:
    """With a sign of Unicode in the place of some letters or between two, and with other signs between its words and letters."""
    spellings = [name.replace(" ", sign) for sign in APART] + [sign.join(name) for sign in APART]
    for sign, plain in compatible():
        places = [at for at in range(len(name)) if name.startswith(plain, at)]
        spellings += [name[:at] + sign + name[at + len(plain) :] for at in places]
    return spellings


@cache
def compatible() -> list[tuple[str, str]]:
    """Every sign beside ASCII that stands for letters of ASCII, and one that is not shown."""
    signs = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]
    plain = [(sign, normalize("NFKC", sign).casefold()) for sign in signs]
    return [*((sign, letter) for sign, letter in plain if letter.isascii()), ("\u200b", "")]


@pytest.mark.parametrize("privacy", [{}, {"custom": "redact"}])
def test_every_spelling_of_a_never_exported_key_is_found(privacy: dict[str, str]) -> None:
    keys = [key for name in NEVER_EXPORTED for key in spelled_otherwise(name)]
    leads = [{"custom": json.dumps({key: "x"}, ensure_ascii=False).replace("/", "\\/")} for key in keys]
    objects = [json.loads(masked_row["custom"]) for masked_row in shown(leads, ["custom"], privacy)]
    assert objects == [{key: None if never_exported_type(key) else "x"} for key in keys]


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
