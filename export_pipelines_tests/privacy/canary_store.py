"""A day of leads and events in SQLite whose every text, object, URL and wrong column holds somebody's values, in one of
the spellings: which one follows from the lead's number and the column, so that each meets each."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from export_pipelines.sample import generate_leads
from export_pipelines_tests.privacy.people import Person
from export_pipelines_tests.privacy.spellings import CARRIERS, SPELLINGS, Spelling, parted

DAY = "2024-01-15"
COLUMNS = (
    "email", "email_2", "first_name", "last_name", "title", "gender", "city", "ip_address", "postal_code", "phone_1",
    "phone_2", "phone_3", "address_1", "address_2",
)  # fmt: skip
TEXTS = ("comments", "user_agent", "landing_page", "trustedform_cert_url")
PLACES = ("custom.note", "custom.list", "custom.deep", "appended.vendor", "lead.undeclared", "city.name")
WRONG_EVERY, WRONG = len(COLUMNS), (0, 5, 10)  # three of a row's columns are wrong, each in turn
NEEDS = {"name": ("first_name", "last_name"), "street": ("address_1",)}


def is_wrong(n: int, column: str) -> bool:
    return (n + COLUMNS.index(column)) % WRONG_EVERY in WRONG


def spelling_at(n: int, place: str) -> Spelling:
    """The spelling in this column, or place of an object, of lead `n`."""
    if place in COLUMNS:
        turn = WRONG.index((n + COLUMNS.index(place)) % WRONG_EVERY)
        number = n // WRONG_EVERY * len(WRONG) + turn + 17 * COLUMNS.index(place)
    else:
        number = n + 19 * (TEXTS + PLACES).index(place)
    unknown = {kind for kind, columns in NEEDS.items() if any(is_wrong(n, column) for column in columns)}
    fitting = (SPELLINGS[(number + step) % len(SPELLINGS)] for step in range(len(SPELLINGS)))
    return next(spelling for spelling in fitting if spelling.kind not in unknown)


def text_at(n: int, place: str) -> str:
    return CARRIERS[n % len(CARRIERS)].format(spelling_at(n, place).write(Person(n)))


def columns_of(n: int) -> dict[str, Any]:
    """The columns of lead `n` that may hold personal values."""
    person = Person(n)
    right = {
        "email": person.email,
        "email_2": person.email_2,
        "first_name": person.first,
        "last_name": person.last,
        "title": "Dr",
        "gender": "female",
        "city": "Austin",
        "ip_address": "192.0.2.7",
        "postal_code": "76701",
        "phone_1": person.phone(1),
        "phone_2": f"+1 {parted(person.phone(2), '-', 3, 3, 4)}",
        "phone_3": f"({person.phone(3)[:3]}) {parted(person.phone(3)[3:], '-', 3, 4)}",
        "address_1": person.street,
        "address_2": "Apt B",
    }
    wrong = {column: text_at(n, column) for column in COLUMNS if is_wrong(n, column)}
    texts = {column: text_at(n, column) for column in TEXTS}
    ssn = parted(person.ssn, "-", 3, 2, 4) if n % 2 else person.ssn
    return right | wrong | texts | {"dob": person.dob, "ssn": ssn}


def custom_of(n: int) -> dict[str, Any]:
    person = Person(n)
    return {
        "product_type": "solar, 6 kW",
        "loan_amount": 5000.5,
        "homeowner": n % 2 == 0,
        "note": text_at(n, "custom.note"),
        "list": [[text_at(n, "custom.list"), 7], n % 100],
        "deep": {"er": [{"text": text_at(n, "custom.deep")}]},
        "tel": [int(person.phone(5)), int(person.ssn), float(person.phone(5)), float(person.ssn)],
        **({} if n % 3 == 1 else {_key(n): True} | closed_of(n)),  # the others hold no telling key
    }


def _key(n: int) -> str:
    """A key that is itself a person's value."""
    person = Person(n)
    ssn = parted(person.ssn, "-", 3, 2, 4)
    return (person.email, f"call {person.phone(5)}", f"id {ssn}", person.email.replace("@", "%40"))[n % 4]


def closed_of(n: int) -> dict[str, Any]:
    """Values that are never exported, under the names that say so."""
    person = Person(n)
    secret, number = f"qxsecret{person.code}", f"qxssn{person.code}"
    return {
        "SSN": person.ssn,
        "socialSecurityNumber": int(person.ssn),
        "ssn_last4": number,
        "spouse": {
            "Spouse SSN": number,
            "borrowerSSN": {"value": number},
            "people": [{"ssn": [number, 4321]}],
        },
        "password": secret,
        "login": [{"apiKey": secret, "access_token": {"value": secret}}],
    }


def appended_of(n: int) -> dict[str, Any]:
    geo = {"lat": 31.5, "lng": -97.1, "city": "Waco"}
    return {
        "geo": geo | ({"city": text_at(n, "appended.vendor")} if n % 3 == 0 else {}),
        "briteverify": {"status": "valid", "score": 0.75},
        "vendor": {"said": text_at(n, "appended.vendor"), **({} if n % 3 == 1 else closed_of(n))},
    }


def snapshot_of(n: int, stored: dict[str, Any]) -> dict[str, Any]:
    lead = stored | columns_of(n) | {"custom": custom_of(n), "undeclared": [text_at(n, "lead.undeclared")]}
    if n % 11 == 0:
        lead["city"] = {"name": text_at(n, "city.name")}
    return lead


def write_store(file: Path, leads: int) -> dict[str, int]:
    """Writes the store; the number of each lead by its id."""
    generate_leads(f"sqlite:///{file}", leads, 3, date.fromisoformat(DAY), 1, events=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        ids = [id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY submitted_at, lead_id")]
        connection.executemany(_update("leads", (*columns_of(0), "custom", "appended")), _leads(ids))
        connection.execute("CREATE INDEX by_lead ON events (lead_id)")
        snapshots = dict(connection.execute("SELECT lead_id, lead FROM events GROUP BY lead_id"))
        connection.executemany(_update("events", ("lead", "appended")), _events(ids, snapshots))
        connection.execute("DROP INDEX by_lead")
    return {id: n for n, id in enumerate(ids)}


def _update(table: str, columns: tuple[str, ...]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE lead_id = ?"


def _leads(ids: list[str]) -> Iterator[list[Any]]:
    for n, id in enumerate(ids):
        yield [*columns_of(n).values(), _json(n, custom_of(n)), _json(n + 1, appended_of(n)), id]


def _events(ids: list[str], snapshots: dict[str, str]) -> Iterator[list[Any]]:
    for n, id in enumerate(ids):
        snapshot = snapshot_of(n, json.loads(snapshots[id]))
        yield [_json(n, snapshot), _json(n + 1, appended_of(n)), id]


def _json(n: int, value: Any) -> str:
    """As one program writes it or another: with letters as they are or escaped, compact or with blanks."""
    return json.dumps(value, ensure_ascii=n % 2 == 0, separators=(",", ":") if n % 3 else None)
