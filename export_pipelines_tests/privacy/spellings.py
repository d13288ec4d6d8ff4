"""In how many ways people, forms and programs write a personal value into a text: one row for each, with a name.

A row says what it writes (`kind`) and whether it needs the row's own name or street, which are only known where they
stand in their columns."""

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import normalize
from urllib.parse import quote

from export_pipelines_tests.privacy.people import Person

Write = Callable[[Person], str]


@dataclass(frozen=True)
class Spelling:
    name: str
    kind: str  # email, phone, ssn, name, street, dob
    write: Write
    without_privacy: bool = False  # whose social security number goes from exports without privacy, too


ZERO = {
    "arabic-indic": "٠",
    "persian": "۰",
    "devanagari": "०",
    "bengali": "০",
    "thai": "๐",
    "full width": "０",
    "mathematical bold": "𝟎",
    "mathematical monospace": "𝟶",
}
BETWEEN = {
    "blank": " ", "hyphen": "-", "dot": ".", "underscore": "_", "slash": "/", "middle dot": "·", "comma": ",",
    "comma and blank": ", ", "semicolon": ";", "colon": ":", "bar": "|", "no-break space": "\u00a0", "thin space": "\u2009",
    "zero-width space": "\u200b", "zero-width joiner": "\u200d", "word joiner": "\u2060", "soft hyphen": "\u00ad",
    "en dash": "–", "em dash": " — ", "no-break hyphen": "\u2011", "minus": "−", "bullet": "•", "line feed": "\n",
    "carriage return": "\r\n", "tab": "\t", "star": "*", "plus": "+", "tilde": "~", "equals": "=", "backslash": "\\",
    "quote": '"', "apostrophe": "'", "hash": "#", "brackets": ")(", "three dots": "…", "arrow": " → ", "picture": " ☎ ",
    "Hangul filler": "\u3164", "half-width filler": "\uffa0", "what has no meaning yet": "\U000e0002", "eight blanks": " " * 8, "combining mark": "\u0301", "direction mark": "\u200e", "ideographic space": "\u3000",
}  # fmt: skip


def in_script(digits: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) if digit.isdigit() else digit for digit in digits)


def parted(digits: str, between: str, *sizes: int) -> str:
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    return between.join(digits[end - size : end] for end, size in zip(ends, sizes, strict=True))


def _phone(between: str) -> Write:
    return lambda p: parted(p.phone(5), between, 3, 3, 4)


def _ssn(between: str) -> Write:
    return lambda p: parted(p.ssn, between, 3, 2, 4)


def _script_phone(zero: str) -> Write:
    return lambda p: in_script(parted(p.phone(2), "-", 3, 3, 4), zero)


def _script_ssn(zero: str) -> Write:
    return lambda p: in_script(p.ssn, zero)


def _at(sign: str) -> Write:
    return lambda p: f"{p.user}{sign}mail.example.com"


def _text_of(person: Person) -> str:
    return json.dumps({"contact": [{"mail": person.email, "tel": person.phone(5)}]})


AT = {
    "as it is": "@", "percent": "%40", "percent twice": "%2540", "percent three times": "%252540", "decimal entity": "&#64;",
    "decimal entity with zeros": "&#0064;", "decimal entity without an end": "&#64 ", "hexadecimal entity": "&#x40;",
    "hexadecimal entity in capitals": "&#X40;", "named entity": "&commat;", "entity of an entity": "&amp;#64;",
    "percent in an entity": "&#37;40", "entity in percent": "%26%2364%3B", "named entity in percent": "%26commat%3B", "JSON escape": "\\u0040", "JSON escape twice": "\\\\u0040", "full width": "＠",
    "small": "﹫", "full width in percent": "%EF%BC%A0", "entity of full width": "&#65312;", "JSON escape of full width": "\\uFF20",
    "blanks around": " @ ", "blank before": " @", "tabs around": "\t@\t", "no-break spaces around": "\u00a0@\u00a0",
    "zero-width around": "\u200b@\u200b", "square brackets around": "[@]", "brackets around": "(@)", "angle brackets and blanks around": " <@> ", "line feed after": "@\n", "percent and blanks": "%20%40%20",
}  # fmt: skip

EMAILS: dict[str, Write] = {
    **{f"@ {name}": _at(sign) for name, sign in AT.items()},
    "capitals": lambda p: p.email.upper(),
    "full-width address": lambda p: "".join(chr(ord(sign) + 0xFEE0) for sign in p.email),
    "mathematical letters before @": lambda p: (
        "".join(chr(0x1D41A + ord(sign) - ord("a")) if sign.isalpha() else sign for sign in p.user)
        + "@mail.example.com"
    ),
    "with a tag": lambda p: f"{p.user}+offers@mail.example.com",
    "with dots": lambda p: f"ann.{p.user}.roe@mail.example.com",
    "with an apostrophe": lambda p: f"o'{p.user}@mail.example.com",
    "with a late apostrophe": lambda p: f"{p.user}.o'roe@mail.example.com",
    "user part in quotes": lambda p: f"'{p.user}'@mail.example.com",
    "user part in brackets": lambda p: f"({p.user})@mail.example.com",
    "with accents": lambda p: f"zé.{p.user}@mail.example.com",
    "quoted user part": lambda p: f'"{p.user} roe"@mail.example.com',
    "international domain": lambda p: f"{p.user}@bücher.example",
    "domain in punycode": lambda p: f"{p.user}@xn--bcher-kva.example",
    "domain with a last dot": lambda p: f"{p.user}@mail.example.com.",
    "domain of one word": lambda p: f"{p.user}@localhost",
    "domain that is an address": lambda p: f"{p.user}@[192.0.2.7]",
    "two signs": lambda p: f"{p.user}@mail@example.com",
    "in angle brackets": lambda p: f"Ann <{p.email}>",
    "mailto": lambda p: f"mailto:{p.email}?subject=hello",
    "in a link": lambda p: f'<a href="mailto:{p.email}">write</a>',
    "in an escaped link": lambda p: html.escape(f'<a href="mailto:{p.email}">write</a>'),
    "in quotes": lambda p: f"“{p.email}” and '{p.email_2}'",
    "in brackets": lambda p: f"[{p.email}]({p.email_2})",
    "two with a comma": lambda p: f"{p.email}, {p.email_2}",
    "two with a semicolon": lambda p: f"{p.email};{p.email_2}",
    "two with a slash": lambda p: f"{p.email}/{p.email_2}",
    "beside a phone and a name": lambda p: f"{p.email} / {parted(p.phone(5), '-', 3, 3, 4)} Jane",
    "of the spouse": lambda p: f"my wife's is {p.spouse.email}",
    "JSON in a text": _text_of,
    "JSON in JSON in a text": lambda p: json.dumps(_text_of(p)),
    "JSON in a URL": lambda p: f"https://x.example/?data={quote(_text_of(p))}",
    "CSV in a text": lambda p: f'name,"{p.email}",{p.phone(5)}\n',
    "XML in a text": lambda p: f"<mail>{p.email}</mail><tel>{p.phone(5)}</tel>",
    "query of a URL": lambda p: f"https://x.example/apply?email={p.email}&a=b",
    "query of a URL, encoded": lambda p: f"https://x.example/apply?email={quote(p.email, safe='')}",
    "query of a URL in a URL": lambda p: (
        f"https://x.example/?to={quote(f'https://y.example/?e={quote(p.email)}', safe='')}"
    ),
    "utm of a URL": lambda p: f"https://x.example/?utm_content={quote(p.email, safe='')}",
    "fragment of a URL": lambda p: f"https://x.example/apply#/user/{p.email}",
    "path of a URL": lambda p: f"https://x.example/unsubscribe/{p.email}/now",
    "path of a URL, encoded": lambda p: f"https://x.example/u/{quote(p.email, safe='')}",
    "user part of a URL": lambda p: f"https://{quote(p.email, safe='')}:pw@host.example.com/x",
    "user part of a URL, two signs": lambda p: f"https://{p.email}:pw@host.example.com/x",
    "user part of a URL in a URL": lambda p: f"https://x.example/r/https://{p.user}:pw@host.example.com/x",
    "URL without a scheme": lambda p: f"x.example/apply?e={p.email}",
    "URL of an odd scheme": lambda p: f"sms:{p.phone(5)}?body={p.email}",
}
PHONES: dict[str, Write] = {
    **{f"{name} between": _phone(sign) for name, sign in BETWEEN.items()},
    **{f"in {name} digits": _script_phone(zero) for name, zero in ZERO.items()},
    "in dark circles": lambda p: "".join("⓿❶❷❸❹❺❻❼❽❾"[int(digit)] for digit in p.phone(5)),
    "in Ethiopic digits": lambda p: "".join("0፩፪፫፬፭፮፯፰፱"[int(digit)] for digit in p.phone(5)),
    "digits alone": lambda p: p.phone(5),
    "with brackets": lambda p: f"({p.phone(5)[:3]}) {parted(p.phone(5)[3:], '-', 3, 4)}",
    "with a country": lambda p: f"+1 {parted(p.phone(5), ' ', 3, 3, 4)}",
    "with 00 and a country": lambda p: f"001{p.phone(5)}",
    "with an extension": lambda p: f"{p.phone(5)} ext. 12",
    "each digit alone": lambda p: " ".join(p.phone(5)),
    "each digit with a hyphen": lambda p: "-".join(p.phone(5)),
    "keycaps": lambda p: "".join(f"{digit}\ufe0f\u20e3" for digit in p.phone(5)),
    "two scripts": lambda p: p.phone(5)[:5] + in_script(p.phone(5)[5:], "٠"),
    "letters right beside": lambda p: f"tel{p.phone(5)}call",
    "two with a slash": lambda p: f"{p.phone(1)}/{p.phone(5)}",
    "tel": lambda p: f"tel:+1-{parted(p.phone(5), '-', 3, 3, 4)}",
    "on a card": lambda p: parted(f"411111{p.phone(5)}", " ", 4, 4, 4, 4),
    "percent blanks between": lambda p: parted(p.phone(5), "%20", 3, 3, 4),
    "query of a URL": lambda p: f"https://x.example/?tel={p.phone(5)}",
    "path of a URL": lambda p: f"https://x.example/call/{parted(p.phone(5), '-', 3, 3, 4)}",
    "utm of a URL": lambda p: f"https://x.example/?utm_term={p.phone(5)}",
    "as a real number": lambda p: f"{p.phone(5)}.0",
    "of the spouse": lambda p: f"or my husband at {parted(p.spouse.phone(), '-', 3, 3, 4)}",
}
SSNS: dict[str, Write] = {
    **{f"{name} between": _ssn(sign) for name, sign in BETWEEN.items()},
    **{f"in {name} digits": _script_ssn(zero) for name, zero in ZERO.items()},
    "digits alone": lambda p: p.ssn,
    "in a sentence": lambda p: f"my ssn is {parted(p.ssn, '-', 3, 2, 4)}.",
    "with a sign": lambda p: f"SSN#{p.ssn}",
    "each digit alone": lambda p: " ".join(p.ssn),
    "in threes": lambda p: parted(p.ssn, " ", 3, 3, 3),
    "letters right beside": lambda p: f"SSN{p.ssn}US",
    "two of them": lambda p: f"{p.ssn} {parted(p.ssn, '-', 3, 2, 4)}",
    "beside a phone": lambda p: f"{parted(p.ssn, '-', 3, 2, 4)} 555 0100",
    "JSON in a text": lambda p: json.dumps({"id": parted(p.ssn, "-", 3, 2, 4), "n": int(p.ssn)}),
    "query of a URL": lambda p: f"https://x.example/?id={p.ssn}",
    "utm of a URL": lambda p: f"https://x.example/?utm_id={parted(p.ssn, '-', 3, 2, 4)}",
    "path of a URL": lambda p: f"https://x.example/id/{parted(p.ssn, '-', 3, 2, 4)}/x",
    "of the spouse": lambda p: f"hers is {parted(p.spouse.ssn, '-', 3, 2, 4)}",
    "of the spouse, with dots": lambda p: f"hers is {parted(p.spouse.ssn, '.', 3, 2, 4)}",
}


def _bare(text: str) -> str:
    """Without accents."""
    return "".join(sign for sign in normalize("NFD", text) if not "\u0300" <= sign <= "\u036f")


NAMES: dict[str, Write] = {
    "first": lambda p: p.first,
    "last": lambda p: p.last,
    "first and last": lambda p: f"{p.first} {p.last}",
    "last, first": lambda p: f"{p.last}, {p.first}",
    "capitals": lambda p: f"{p.first} {p.last}".upper(),
    "small letters": lambda p: f"{p.first} {p.last}".lower(),
    "composed": lambda p: normalize("NFC", f"{p.first} {p.last}"),
    "decomposed": lambda p: normalize("NFD", f"{p.first} {p.last}"),
    "without accents": lambda p: _bare(f"{p.first} {p.last}"),
    "without accents in capitals": lambda p: _bare(f"{p.first} {p.last}").upper(),
    "possessive": lambda p: f"{p.first.split()[0]}'s husband",
    "each word alone": lambda p: " and ".join(f"{p.first} {p.last}".replace("'", " ").replace("-", " ").split()),
    "in quotes": lambda p: f"“{p.first}” '{p.last}'",
    "a letter for an apostrophe": lambda p: p.last.replace("'", "\u02bc"),
    "a filler within": lambda p: f"{p.first[:3]}\u115f{p.first[3:]}",
    "hyphens around": lambda p: f"for-{p.last}-only",
    "underscores between": lambda p: f"{p.first}_{p.last}",
    "slashes between": lambda p: f"{p.first}/{p.last}",
    "path of a URL": lambda p: f"https://x.example/hello/{quote(_bare(p.first))}/x",
    "query of a URL": lambda p: f"https://x.example/?n={quote(p.last)}",
    "utm of a URL": lambda p: f"https://x.example/?utm_term={quote(_bare(p.first))}",
}  # fmt: skip
STREETS: dict[str, Write] = {
    "as it is": lambda p: p.street,
    "capitals": lambda p: p.street.upper(),
    "without accents": lambda p: _bare(p.street).lower(),
    "decomposed": lambda p: normalize("NFD", p.street),
    "in a sentence": lambda p: f"I live at {p.street}, come over",
}
DATES: dict[str, Write] = {
    "ISO": lambda p: p.dob,
    "American": lambda p: "{1:02}/{2:02}/{0}".format(*p.born),
    "European": lambda p: "{2:02}.{1:02}.{0}".format(*p.born),
    "digits alone": lambda p: p.dob.replace("-", ""),
    "with a time": lambda p: f"{p.dob}T00:00:00Z",
    "in a sentence": lambda p: f"born {p.dob}.",
}
TABLES = {
    "email": EMAILS,
    "phone": PHONES,
    "ssn": SSNS,
    "name": NAMES,
    "street": STREETS,
    "dob": DATES,
}
SPELLINGS = tuple(
    Spelling(f"{kind}: {name}", kind, write)
    for kind, table in TABLES.items()
    for name, write in table.items()
)
CARRIERS = ("{}", "please use {} thanks", "({})", "{}.", "re: {}; ok", "\n{}\n", "see:{}", "«{}»")
