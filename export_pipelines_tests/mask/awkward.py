"""Hypothesis strategies: leads whose texts hold personal data in awkward spellings, and almost hold it."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import quote

from hypothesis import strategies as st

NAMES = [
    "Jane", "Bo", "Li", "De Leon", "Mary Ann", "Jean-Luc", "O'Neil", "D’Arcy", "J R", "J. R.", "R2D2", "X1", "José",
    "Weiß", "Søren", "Núñez-O'Hara", "Griﬁth", "ŁÓŻ", "Иванов", "Анна-Мария", "李伟", "Ann 李伟", "김민수", "สมชาย", "علي",
    "Ｊａｎｅ", "A1b2", "von der Aa", " jane ", "Jane Jane", "a.*b", "\\Q", "", "-", "Q", "%41nn", "May", "Ann\u200bette", "Å",
    "OʼNeil", "Ja\u115fne", "محمد", "محـــمد", "Zoë", "Newman", "Turner", "Bart", "Fay", "Cde", "Uma",
]  # fmt: skip
STREETS = [
    "12 Quetzal Lane", "450 S 300 E", "4 B D", "5 A St", "1 A", "12 5th St", "Straße 5", "12 Rue de l’Église", "東京都 港区",
    "港区赤坂1-12-34", "Apt 4 B", "12\u201314 Quetzal Lane", "A1 B2 C3", "  12  Quetzal  Lane ", "ул. Ленина, 5", "99", "12 May St", "",
    "12 Oʼahu Lane", "12 한강로", "c/o Jane",
]  # fmt: skip
DAYS = [date(1990, 3, 5), date(1911, 12, 31), date(2001, 1, 1), date(987, 6, 5), date(1990, 5, 9)]
SSNS = [
    "987-65-4321",
    "987654321",
    "987 65 4321",
    "012-34-5678",
    "98765432",
    "AB-12345",
    "４５６-78-9012",
    "4321",
    "00012345",
    "000-12-3456",
    "",
    "none",
]
EMAILS = [
    "jane.roe@example.com", "j@x.co", "jane.roe @ example.com", "jane.roe ＠example.com", "a﹫b.co", '"jane roe"@x.co', "jane@[192.0.2.7]",
    "zoë@bücher.example", "o'neil@x.co", "@", "@ home.today", "5 @ 3", "x@", "@x.co", "jane@\tx.co", "(jane) [@] x.co", "'jane'@x.co", "jane.o'neil@x.co", '"@x.co', "a@b@c.de", "mailto:j@x.co",
]  # fmt: skip
ZEROS = ["٠", "۰", "०", "๐", "０", "𝟎", "𝟶"]
MONTHS = ["march", "Mar", "MARCH", "3", "03", "december", "12", "may", "6", "1"]
GLUE = [
    "", " ", "-", "_", ".", "·", "\u200b", "\u200b" * 5, "\u00ad", "\u2011", "/", "\n", "\t", "(", ")", "+", "*", "  ", "…", "\u0301", ",",
    ", ", "x", "a", "é", "ß", "%", "&", "\\", "#", ";", "u", "n", "'", '"', "’", "=", "?", "&amp;", "%20", "%2", "㎡", "㏠", "½", "²", "①", "中",
    "\\n", "\\u00", "e", "E5", "1", "22", "555", "0142", "987", "65", "4321", "1990", "\u3000", "\ufeff", "\U000e0031", "Ⅷ", "%E2%80%93", "\x00",
    "[", "<", "\u3164", "\u115f", "\u02bc", "\u0640", "\U000e0002", "❺", "፭", ";", "//", "年", "Mar", "sept", "&half;", "&#8203;", "&shy;", "%C2%AD", "c", "d", "dc", "f", "b",
]  # fmt: skip


def _each(text: str, spelled: Callable[[str], str]) -> str:
    return "".join(map(spelled, text))


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join("\\u" + units[n : n + 4] for n in range(0, len(units), 4))


def _only(part: Callable[[str], bool], spelled: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: _each(text, lambda letter: spelled(letter) if part(letter) else letter)


def _is_sign(letter: str) -> bool:
    return not letter.isalnum()


ENCODINGS: list[Callable[[str], str]] = [
    lambda text: quote(text, safe="", errors="surrogatepass"),
    lambda text: quote(text, safe="", errors="surrogatepass").lower(),
    lambda text: _each(text, _percent),
    _only(_is_sign, _percent),
    _only(str.isdigit, _percent),
    _only(str.isalpha, lambda letter: _percent(letter).lower()),
    lambda text: _each(text, lambda letter: f"&#{ord(letter)};"),
    _only(_is_sign, lambda letter: f"&#x{ord(letter):x};"),
    _only(_is_sign, lambda letter: f"&#{ord(letter):05};"),
    lambda text: text.replace("@", "&commat;").replace(".", "&period;").replace("-", "&shy;"),
    lambda text: _each(text, _escaped),
    _only(_is_sign, _escaped),
    _only(str.isdigit, lambda letter: _escaped(letter).upper().replace("\\U", "\\u")),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps({"a": text, text: 1}, ensure_ascii=False),
    lambda text: text.replace(" ", "+"),
    lambda text: text.replace("&", "&amp;"),
]
CASES: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    lambda text: normalize("NFC", text),
    lambda text: normalize("NFD", text),
    lambda text: normalize("NFKD", text),
    lambda text: "".join(letter for letter in normalize("NFD", text) if not combining(letter)),
    lambda text: "".join(letter for letter in text if letter.isalnum()),
    lambda text: text.replace("e", "é").replace("n", "ñ").replace("a", "ä"),
    "\u200b".join,
    lambda text: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text),
    lambda text: text.replace(" ", "  ").replace("-", "\u2011"),
    lambda text: text.replace(" ", "\u00a0").replace("'", "\u2019"),
]


def _up_to(
    steps: list[Callable[[str], str]], weights: list[int]
) -> st.SearchStrategy[list[Callable[[str], str]]]:
    """So many steps as one of the weights; what is as it is stands beside what is encoded in most texts."""
    return st.sampled_from(weights).flatmap(
        lambda count: st.lists(st.sampled_from(steps), min_size=count, max_size=count)
    )


def _apply(steps: list[Callable[[str], str]], text: str) -> str:
    for step in steps:
        text = step(text)[:2000]
    return text


@st.composite
def _digits(draw: st.DrawFn) -> str:
    """Runs of digits with something between, often a phone's or a social security number's."""
    groups = draw(
        st.sampled_from(
            [["512", "555", "0142"], ["987", "65", "4321"], ["98", "76", "54321"], ["555", "014"]]
        )
        | st.lists(st.sampled_from(["1", "22", "333", "0142", "987654321"]), max_size=5)
    )
    zero = ord(draw(st.just("0") | st.sampled_from(ZEROS)))
    between = draw(st.sampled_from(GLUE))
    text = between.join(groups)
    return "".join(chr(zero + int(sign)) if "0" <= sign <= "9" else sign for sign in text)


@st.composite
def _day(draw: st.DrawFn, born: date) -> str:
    year, month, day = str(born.year), draw(st.sampled_from([*MONTHS, str(born.month)])), str(born.day)
    day += draw(st.sampled_from(["", "", "th", "st"]))
    order = draw(st.permutations([year, month, day]))
    return draw(
        st.sampled_from(["/", "-", ". ", " ", ", ", " of ", "", "年", "\u200b/", "%2F", "\\n", "&#47;"])
    ).join(order)


@st.composite
def _text(draw: st.DrawFn, own: dict[str, Any]) -> str:
    values = [str(own[id]) for id in ("first_name", "last_name", "address_1", "ssn") if own.get(id)]
    pieces = [
        st.sampled_from(GLUE),
        st.sampled_from(GLUE),
        _digits(),
        st.sampled_from(EMAILS),
        st.sampled_from(NAMES),
        st.sampled_from(STREETS),
        *([st.sampled_from(values)] * 4 if values else []),
        *([_day(own["dob"])] * 2 if own.get("dob") else []),
    ]
    piece = st.builds(
        lambda text, cases, steps: _apply(steps, _apply(cases, text)),
        st.one_of(pieces),
        _up_to(CASES, [0, 0, 1, 1, 2]),
        _up_to(ENCODINGS, [0, 0, 0, 0, 0, 1, 1, 2, 3]),
    )
    parts = draw(st.lists(piece, min_size=1, max_size=4))
    return _apply(draw(_up_to(ENCODINGS, [0, 0, 0, 0, 0, 0, 1, 2])), draw(st.sampled_from(GLUE)).join(parts))


def texts() -> st.SearchStrategy[str]:
    """Texts that a source can hold, of nobody in particular."""
    return _text({}).filter(_storable)


@st.composite
def _url(draw: st.DrawFn, text: st.SearchStrategy[str]) -> str:
    head = draw(
        st.sampled_from(
            [
                "https://x.example",
                "https://a@b:pw@host.com",
                "https:/a:pw@host.com",
                "http:\\\\a:p/w@host.com",
                "//x",
                "",
                "http://[::1]:80",
                "mailto:",
            ]
        )
    )
    path = draw(st.just("") | text)
    parameter = st.tuples(st.sampled_from(["utm_term", "UTM_x", "email", "utm%5Fa", ""]), text).map("=".join)
    query = draw(st.sampled_from(["&", "&", ";", "\\u0026"])).join(draw(st.lists(parameter, max_size=2)))
    return f"{head}/{path}{draw(st.sampled_from(['', '?', '#']))}{query}"


KEYS = [
    "note", "a", "ssn", "SSN", "Ss No", "social security", "ssn_last4", "s\u200bsn", "ＳＳＮ", "S. S. N.", "s/s/n", "api key", "api//key",
    "oauth[access][token]", "pass\u00adword", "p-w-d", "classname", "assn", "missn", "product_type", "loan_amount", "homeowner",
    'ssn "last"', "pässword", "ｐｗｄ", "ss\u00a0no", "ss\tno", "last 4 of social", "API_KEY", "ſsn", "custom", "",
]  # fmt: skip
NUMBERS = [
    "0", "1.10", "1e5", "-123456789", "123456789", "12345678", "987654321", "5125550142", "5125550142.0", "512555014e1", "1E400", "9.87654321E8", "-987654321", "98765432100e-2", "5.125550142e+9", "4321", "12345",
    "123456789012345678901234567890", "0.987654321", "-0",
]  # fmt: skip


@st.composite
def _json(draw: st.DrawFn, text: st.SearchStrategy[str]) -> str:
    """JSON in the letters of some program: escapes, blanks, keys twice."""
    blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
    ascii_only = draw(st.booleans())

    def string(value: str) -> str:
        return json.dumps(value, ensure_ascii=ascii_only).replace("/", draw(st.sampled_from(["/", "\\/"])))

    def write(depth: int) -> str:
        kind = draw(st.integers(0, 5 if depth else 3))
        if kind == 0:
            return draw(st.sampled_from([*NUMBERS, "true", "null", '""', "[]", "{}"]))
        if kind in (1, 2, 3):
            return string(draw(text))
        if kind == 4:
            return (
                f"[{blank}" + f",{blank}".join(write(depth - 1) for _ in range(draw(st.integers(0, 3)))) + "]"
            )
        entries = [
            string(draw(st.sampled_from(KEYS) | text)) + f"{blank}:{blank}" + write(depth - 1)
            for _ in range(draw(st.integers(0, 3)))
        ]
        return "{" + f"{blank},".join(entries) + f"{blank}}}"

    return draw(st.sampled_from(["", blank])) + write(3)


def _storable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


@st.composite
def leads(draw: st.DrawFn) -> dict[str, Any]:
    """One lead: some of its own values, and texts of all sorts."""
    own: dict[str, Any] = {
        "first_name": draw(st.none() | st.sampled_from(NAMES)),
        "last_name": draw(st.none() | st.sampled_from(NAMES)),
        "address_1": draw(st.none() | st.sampled_from(STREETS)),
        "dob": draw(st.none() | st.sampled_from(DAYS)),
        "ssn": draw(st.none() | st.sampled_from(SSNS)),
    }
    text = _text(own).filter(_storable)
    own["comments"] = draw(st.none() | text)
    own["city"] = draw(st.none() | st.sampled_from(["Austin", ""]) | text)
    own["user_agent"] = draw(st.none() | st.just("Mozilla/5.0 Chrome/120.0.6099.109 Gecko/20100101") | text)
    own["landing_page"] = draw(st.none() | _url(text))
    own["gender"] = draw(st.none() | st.sampled_from(["female", "M"]) | text)
    own["custom"] = draw(st.none() | _json(text).filter(_storable))
    return own


SNAPSHOT = [
    "landing_page", "trustedform_cert_url", "user_agent", "email", "phone_1", "first_name", "address_1", "postal_code", "city", "gender",
    "ip_address", "dob", "comments", "ssn", "state", "price", "reference", "custom",
]  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn) -> dict[str, Any]:
    """One event: the lead as it was, an object with at least one entry, and the lead's own values as a source reads them."""
    own = {
        "first_name": draw(st.none() | st.sampled_from(NAMES)),
        "address_1": draw(st.none() | st.sampled_from(STREETS)),
        "dob": draw(st.none() | st.sampled_from(DAYS)),
        "ssn": draw(st.none() | st.sampled_from(SSNS)),
    }
    text = _text(own) | _url(_text(own))
    key = st.sampled_from(SNAPSHOT) | st.sampled_from(SNAPSHOT) | st.sampled_from(KEYS)
    entry = st.tuples(key.map(json.dumps), _json(text)).map(":".join)
    entries = draw(st.lists(entry, min_size=1, max_size=4).map(",".join).filter(_storable))
    return {"lead": f"{{{entries}}}"} | {f"lead.{id}": value for id, value in own.items()}
