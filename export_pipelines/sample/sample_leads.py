"""Draws sample leads column by column from a seeded generator: chunks of finished SQLite values come out."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from export_pipelines.importer.ids import party_id, unix_seconds
from export_pipelines.lead_store.tables import EMPTY_OBJECT, leads
from export_pipelines.sample import pools
from export_pipelines.sample.choices import blended, pick, sprinkle

CHUNK = 20_000  # rows
DAY_S = 86_400
COLUMNS = tuple(column.name for column in leads.columns)
PERSON = (
    "first_name", "last_name", "title", "email", "email_2", "phone_1", "phone_2", "dob", "gender", "ssn",
    "address_1", "address_2", "city", "state", "postal_code", "country",
)  # fmt: skip
Chunk = dict[str, list[Any]]
PARTY_IDS = {kind: [party_id(kind, name) for name in names] for kind, names in pools.PARTY_NAMES.items()}


def draw_leads(count: int, random: Random, start: date, days: int) -> Iterator[Chunk]:
    """`count` leads in order of time, spread evenly over `days` from `start`: column name -> values.

    Equal arguments and an equally seeded `random` give equal values.
    """
    machine = f"{random.getrandbits(40):010x}"
    clock = _Clock(start, days)
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        moments = _moments(random, first, size, count, days * DAY_S * 1000)
        chunk: Chunk = {
            "lead_id": [
                f"{clock.base_s + ms // 1000:08x}{machine}{(first + n) & 0xFFFFFF:06x}"
                for n, ms in enumerate(moments)
            ],
            "submitted_at": clock.texts(moments),
            **_traffic(random, size, first),
            **_person(random, size, first),
            **_place(random, size),
            "custom": _custom(random, size),
            "appended": _appended(random, size),
            "comments": blended(random, size, pools.COMMENTS, (None,), 0.6),
        }
        repeated = _repeat_persons(random, chunk, size)
        chunk |= _outcome(random, size, clock, moments, repeated)
        yield chunk


class _Clock:
    """ISO texts from milliseconds since the first day, put together from ready pieces."""

    def __init__(self, start: date, days: int) -> None:
        midnight = datetime.combine(start, time(), UTC)
        self.base_s = unix_seconds(midnight)
        self._days = [f"{(midnight + timedelta(day)).date()}T" for day in range(days + 1)]
        self._seconds = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(DAY_S)]
        self._millis = [f"{ms:03}Z" for ms in range(1000)]

    def texts(self, moments: Sequence[int]) -> list[str]:
        days, seconds, millis = self._days, self._seconds, self._millis
        return [days[ms // 86_400_000] + seconds[ms // 1000 % DAY_S] + millis[ms % 1000] for ms in moments]


def _moments(random: Random, first: int, size: int, count: int, span_ms: int) -> list[int]:
    """Milliseconds since the start, never falling; now and then two leads share one."""
    slot = span_ms // count or 1
    jitter = pick(random, size, range(slot))
    moments = [(first + n) * span_ms // count + jitter[n] for n in range(size)]
    for n in range(1, size):
        if n % 97 == 0:
            moments[n] = moments[n - 1]
    return [min(ms, span_ms - 1) for ms in moments]


def _traffic(random: Random, size: int, first: int) -> Chunk:
    reference = [f"REF-{n:08}" for n in range(first, first + size)]
    sprinkle(random, reference, (None, "", "0000123", 'ref "7"', "=2+3"), 0.05)
    octet = range(256)
    address = [
        f"203.{a}.{b}.{c}" for a, b, c in zip(*(pick(random, size, octet) for _ in "abc"), strict=True)
    ]
    sprinkle(random, address, (None, "2001:db8::ff00:42:8329", "999.1.1.1", "10.0.0.1, 10.0.0.2"), 0.04)
    certificate: list[Any] = [
        f"https://cert.trustedform.com/{key:040x}" for key in (random.getrandbits(160) for _ in range(size))
    ]
    sprinkle(random, certificate, (None,), 0.4)
    return {
        "reference": reference,
        "flow_id": pick(random, size, PARTY_IDS["flow"]),
        "source_id": pick(random, size, PARTY_IDS["source"]),
        "campaign_id": blended(random, size, [f"C{n:03}" for n in range(40)], (None, "", "007"), 0.2),
        "affiliate_id": blended(random, size, [f"aff-{n}" for n in range(25)], (None,), 0.5),
        "landing_page": blended(random, size, pools.LANDING_PAGES, (None,), 0.1),
        "user_agent": blended(random, size, pools.USER_AGENTS, (None,), 0.05),
        "ip_address": address,
        "trustedform_cert_url": certificate,
        "tcpa_consent": blended(random, size, (1, 1, 1, 0), (None,), 0.1),
    }


def _person(random: Random, size: int, first: int) -> Chunk:
    first_names = blended(random, size, pools.FIRST_NAMES, (*pools.NASTY_FIRST_NAMES, None), 0.12)
    last_names = blended(random, size, pools.LAST_NAMES, (*pools.NASTY_LAST_NAMES, None), 0.1)
    users = pick(random, size, [name.lower().replace(" ", ".") for name in pools.FIRST_NAMES])
    domains = blended(random, size, pools.EMAIL_DOMAINS[:8], pools.EMAIL_DOMAINS, 0.2)
    emails: list[Any] = [
        f"{user}{n}@{domain}"
        for n, user, domain in zip(range(first, first + size), users, domains, strict=True)
    ]
    second: list[Any] = [None] * size
    sprinkle(random, second, emails, 0.1)
    sprinkle(random, emails, (*pools.BAD_EMAILS, None, "Jane.DOE+tag@Example.COM"), 0.04)
    ssn: list[Any] = [None] * size
    sprinkle(random, ssn, [f"{n:03}-{n % 100:02}-{n * 7 % 10_000:04}" for n in range(1, 900)], 0.1)
    born = date(1940, 1, 1)
    return {
        "first_name": first_names,
        "last_name": last_names,
        "title": blended(random, size, (None,), pools.TITLES, 0.3),
        "email": emails,
        "email_2": second,
        "phone_1": _phones(random, size, 0.0),
        "phone_2": _phones(random, size, 0.8),
        "phone_3": _phones(random, size, 0.97),
        "dob": blended(
            random, size, [(born + timedelta(n * 47)).isoformat() for n in range(480)], (None,), 0.2
        ),
        "gender": blended(random, size, ("male", "female"), ("other", "F", "", None), 0.2),
        "ssn": ssn,
    }


def _phones(random: Random, size: int, empty: float) -> list[Any]:
    areas = pick(random, size, pools.AREA_CODES)
    lines = pick(random, size, range(10_000))
    phones: list[Any] = [f"{area}555{line:04}" for area, line in zip(areas, lines, strict=True)]
    sprinkle(random, phones, (*pools.BAD_PHONES, "+1 (512) 555-0123"), 0.03)
    if empty:
        sprinkle(random, phones, (None,), empty)
    return phones


def _place(random: Random, size: int) -> Chunk:
    places = pick(random, size, pools.US_PLACES)
    tails = pick(random, size, range(100))
    city, state, zip3 = (list(part) for part in zip(*places, strict=True))
    columns: Chunk = {
        "city": city,
        "state": state,
        "postal_code": [f"{head}{tail:02}" for head, tail in zip(zip3, tails, strict=True)],
        "country": ["US"] * size,
    }
    abroad = random.sample(range(size), max(1, size // 15))
    for n, spot in enumerate(abroad):
        for name, value in zip(columns, pools.OTHER_PLACES[n % len(pools.OTHER_PLACES)], strict=True):
            columns[name][spot] = value
    numbers = pick(random, size, range(1, 20_000))
    streets = pick(random, size, pools.STREETS)
    address: list[Any] = [f"{number} {street}" for number, street in zip(numbers, streets, strict=True)]
    sprinkle(random, address, (None, "", "PO Box 7", "  12 Oak Ave  ", "1, Place du Marché"), 0.04)
    unit = blended(random, size, (None,), pools.UNITS, 0.2)
    return {"address_1": address, "address_2": unit, **columns}


def _custom(random: Random, size: int) -> list[Any]:
    """JSON with the declared keys, sometimes keys that no catalog declares, sometimes nothing."""
    products = _dumped((*pools.PRODUCTS, None))
    campaigns = _dumped((*pools.CAMPAIGNS, None, ""))
    custom: list[Any] = [
        f'{{"product_type":{product},"loan_amount":{amount},"homeowner":{owner},"utm_campaign":{campaign}}}'
        for product, amount, owner, campaign in zip(
            pick(random, size, products),
            pick(random, size, range(500, 1_000_000, 250)),
            pick(random, size, ("true", "false", "null")),
            pick(random, size, campaigns),
            strict=True,
        )
    ]
    odd = (
        None,
        EMPTY_OBJECT,
        '{"product_type":"personal loan","legacy_note":"call \\"Bob\\"\\nafter 5"}',
        '{"loan_amount":9007199254740993,"vendor_key":{"deep":[1,2.50,null]}}',
        '{"homeowner":true,"clé étrangère":"été","dotted.key":"=1+1"}',
    )
    sprinkle(random, custom, odd, 0.05)
    return custom


def _appended(random: Random, size: int) -> list[Any]:
    lat = [f"{25 + n * 0.0237:.4f}" for n in range(1, 1000)]
    lng = [f"{-124 + n * 0.0571:.4f}" for n in range(1, 1000)]
    cities = _dumped([*(place[0] for place in pools.US_PLACES), None])
    checks = [
        f'"briteverify":{{"status":"{status}","score":{score}}},"anura":{{"result":"{verdict}"}}'
        for status in ("valid", "valid", "accept_all", "unknown", "invalid")
        for score in ("0.1", "0.75", "1.0", "null")
        for verdict in ("good", "good", "warning", "bad")
    ]
    appended: list[Any] = [
        f'{{"geo":{{"lat":{y},"lng":{x},"city":{city}}},{check}}}'
        for y, x, city, check in zip(
            pick(random, size, lat),
            pick(random, size, lng),
            pick(random, size, cities),
            pick(random, size, checks),
            strict=True,
        )
    ]
    sprinkle(random, appended, (None, EMPTY_OBJECT, '{"geo":null}'), 0.06)
    return appended


def _dumped(values: Sequence[Any]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _repeat_persons(random: Random, chunk: Chunk, size: int) -> list[int]:
    """Lets about 3 % of the rows be persons who came before; returns these rows."""
    again = sorted(random.sample(range(1, size), round((size - 1) * 0.03))) if size > 1 else []
    for n in again:
        earlier = random.randrange(n)
        for name in PERSON:
            chunk[name][n] = chunk[name][earlier]
    return again


def _outcome(
    random: Random, size: int, clock: _Clock, moments: Sequence[int], repeated: Sequence[int]
) -> Chunk:
    outcomes = blended(random, size, ("success",), ("failure", "failure", "failure", "error"), 0.2)
    for n in repeated[::2]:
        outcomes[n] = "failure"
    failures, errors = (
        iter(blended(random, size, pool, pool, 0.5)) for pool in (pools.FAILURES, pools.ERRORS)
    )
    reasons = [
        None if outcome == "success" else next(failures) if outcome == "failure" else next(errors)
        for outcome in outcomes
    ]
    for n in repeated[::2]:
        reasons[n] = pools.DUPLICATE
    waits = pick(random, size, range(150, 9_000))
    prices = blended(
        random, size, _amounts(400, 9_900, 33), ("0.00", "25.00", "1250.10", "1234567.89", "0.01"), 0.1
    )
    costs = blended(random, size, _amounts(100, 4_000, 17), ("0.00", None), 0.05)
    sold = [outcome == "success" for outcome in outcomes]
    delivered = clock.texts([ms + wait for ms, wait in zip(moments, waits, strict=True)])
    return {
        "outcome": outcomes,
        "reason": reasons,
        "recipient_id": _where(sold, pick(random, size, PARTY_IDS["recipient"])),
        "delivered_at": _where(sold, delivered),
        "price": _where(sold, prices),
        "purchase_price": _where(sold, costs),
    }


def _where(flags: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    return [value if flag else None for flag, value in zip(flags, values, strict=True)]


def _amounts(low: int, high: int, step: int) -> list[str]:
    """Amounts in cents as text of two places."""
    return [f"{cents // 100}.{cents % 100:02}" for cents in range(low, high, step)]


def rows_of(chunk: Chunk) -> list[tuple[Any, ...]]:
    """The chunk's rows, in the order of COLUMNS."""
    return list(zip(*(chunk[name] for name in COLUMNS), strict=True))
