"""Odd numbers, words, times and spellings, of which the odd rows are made."""

import random
from datetime import UTC, datetime, timedelta, timezone

NUMBERS = (
    "0", "-0", "0.0", "-0.00", "1", "-1", "1.10", "01", "007", "+5", ".5", "5.", "-.5", "1e3", "1E+3", "1e-7", "25.50",
    "1e400", "1e-400", "123456789012345678901234567890.123456789", "9223372036854775807", "9223372036854775808", "0.1",
    "-9223372036854775808", "1.239", "1,000", "1_000", "0x1F", "NaN", "Infinity", "-inf", "1e", "e5", "١٢", "１２", " 12 ", "\t7\n",
    "12 3", "", " ", "-", "99999999999999999999999999999999999.99", "1e2", "100", "100.00", "0.000001", "1e308", "1e309", "47.37688781234567",
    "1e15", "3.0", "-7.50", "1.0e2", "12345678901234567890123",
)  # fmt: skip
JSON_NUMBERS = (
    "0", "-0", "0.0", "-0.0", "1", "-1", "1.10", "1e3", "1E+3", "1e-7", "25.50", "1e400", "1e-400", "2", "3.0", "1.0", "0.5",
    "123456789012345678901234567890.123456789", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e2", "100",
    "1.239", "1e308", "1e309", "47.37688781234567", "12345678901234567890123", "1706745600", "1706745600.5", "1706745600123",
    "1706745600123456", "1706745600123456789", "-62135596800", "-62135596801", "253402300799", "253402300800", "-1.5", "1e999999999",
    "1706745600.9999999", "0.1", "-0.001", "1e18", "1e19",
)  # fmt: skip
WORDS = (
    "", " ", "\t", "\n", "\r\n", "\u00a0", "\u200b", "a", "A", "a ", " a", "Straße", "STRASSE", "İstanbul", "\u212aelvin", "é", "e\u0301",
    "😀", "\U0010ffff", "\ufffd", "\ufeff", "null", "NULL", "true", "False", "yes", "n", "0", "1", "1.10", "NaN", "it's", 'a"b', "\\", "\\n",
    "%", "_", "a,b;c\td", "=1+1", "{}", "[]", '{"a":1}', "line\nbreak", "\x01\x1f", "\x7f", "ÿ", "ｆｕｌｌ", "مرحبا", "a@example.com", "A@Example.COM ",
    "+1 512 555 0142", "78701", "2024-01-31", "<JSON that does not parse>", "no time", "x" * 300, "ß", "ẞ", "ſ", "Ω", "Ω",
)  # fmt: skip
LITERALS = ("true", "false", "null")
ESCAPES = (
    '"\\u00e9"',
    '"\\ud83d\\ude00"',
    '"a\\/b"',
    '"\\t\\n\\\\\\""',
    '"\\u0041"',
    '"\\u0001"',
    '"\\u2028"',
)
HALVES = ('"\\ud800"', '"a\\udc00b"', '"\\ud83d"', '"\\ude00\\ud83d"')  # of a character, which no text holds
BLANK_NUL = ('"\\u0000"', '"a\\u0000b"')
SPELLED_TIMES = (
    "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M", "%Y-%m-%d",
)  # fmt: skip
NO_TIMES = (
    "", " ", "now", "today", "infinity", "epoch", "12:00", "2451545.0", "2024-02-30T10:00:00Z", "2024-02-31T10:00:00+01:00", "2023-02-29",
    "2024-13-01", "2024-01-31T24:00:00Z", "2024-01-31T23:59:60Z", "2024-01-31T10", "2024-01-31t10:00:00z", "2024-1-5", "20240131T100000Z",
    "2024-W05-3", "2024-01-31T10:00:00+0200", "2024-01-31T10:00:00+02", "2024-01-31T10:00:00 +02:00", "2024-01-31T10:00:00,5Z", "  2024-01-31",
    "2024-01-31 ", "2024-01-31T10:00:00.Z", "2024-01-31T10:00:00+25:00", "2024-01-31T10:00:00+14:30", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2024-01-31  10:00:00", "2024-01-31T10:00:00ZZ",
    "January 1, 2024", "1/2/2024", "2024-01-31T10:00:99Z", "2024-01-31TT10:00", "１０２４-01-31", "2024-01-31T10:00:00-00:00", "2024-01-31T10:00Z+01:00",
)  # fmt: skip
DATES = ("2024-02-29", "0001-01-01", "0999-12-31", "9999-12-31", "2024-01-31T00:00:00Z", "2024-01-31 00:00", "2024-01-31T00:00:00.000Z",
         "2024-01-31T10:00:00Z", "2024-01-31T00:00:00+02:00")  # fmt: skip
EPOCHS = ("1706745600", "1706745600123", "1706745600123456", "1706745600123456789", "0", "-1", "-62135596800000", "-62135596800001",
          "253402300799999", "253402300800000", "9223372036854775807", "-9223372036854775808", "17067456001")  # fmt: skip
FRACTIONS = ("", "", ".5", ".123", ".9999", ".123456", ".000001", ".999999")


def moments(random: random.Random) -> datetime:
    """Of today's centuries mostly, and of every year that is written with four digits."""
    year = random.choice((2024, 2024, 2024, 1970, 1969, 1900, 999, 1, 9999, random.randint(1, 9999)))
    day = datetime(year, random.randint(1, 12), random.randint(1, 28), tzinfo=UTC)
    return day + timedelta(
        microseconds=random.choice((0, 1, 999_999, 86_399_999_999, random.randrange(86_400_000_000)))
    )


def spelled(moment: datetime, random: random.Random) -> str:
    """The moment in an ISO spelling; one without a fraction or seconds is of another moment then."""
    if random.random() < 0.4 and 1 < moment.year < 9999:
        zone = timezone(timedelta(minutes=random.choice((60, -300, 330, 840, -720, 1, -1, 0))))
        local = moment.astimezone(zone)
        sign, minutes = ("-", -1) if local.utcoffset() < timedelta(0) else ("+", 1)  # type: ignore[operator]
        offset = int(local.utcoffset().total_seconds() // 60) * minutes  # type: ignore[union-attr]
        text = formatted(
            local,
            random.choice(
                ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S.%f")
            ),
        )
        return f"{text}{sign}{offset // 60:02d}:{offset % 60:02d}"
    text = formatted(moment, random.choice(SPELLED_TIMES))
    if "." in text and random.random() < 0.5:
        kept = random.randint(1, 6)
        text = text[: 20 + kept] + ("Z" if text.endswith("Z") else "")
    return text


def exactly(moment: datetime, random: random.Random) -> str:
    """The moment, whole, in an ISO spelling."""
    while True:
        text = spelled(moment, random)
        read = datetime.fromisoformat(text)
        if (read if read.tzinfo else read.replace(tzinfo=UTC)) == moment:
            return text


def formatted(moment: datetime, form: str) -> str:
    return moment.strftime(form.replace("%Y", f"{moment.year:04d}"))
