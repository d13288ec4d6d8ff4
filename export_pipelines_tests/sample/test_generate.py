"""Sample leads: the same seed, the same rows; even over the days; as nasty as real ones; whole or not at all."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.errors import RequestError, SourceError
from export_pipelines.lead_store.store import create_store
from export_pipelines.sample import generate_leads

START = date(2024, 1, 30)
DAYS = 3
COUNT = 3_000


def rows(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()


def dump(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as connection:
        return list(connection.iterdump())


def generate(store: Path, seed: int = 7, leads: int = COUNT, **options: Any) -> None:
    generate_leads(f"sqlite:///{store}", leads, seed, START, DAYS, **options)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("sample") / "leads.db"
    generate(store, events=True)
    return store


def test_the_same_seed_gives_the_same_rows(store: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again.db", events=True)
    assert dump(tmp_path / "again.db") == dump(store)


def test_another_seed_gives_other_rows(store: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other.db", seed=8)
    query = "SELECT email FROM leads ORDER BY submitted_at"
    assert rows(tmp_path / "other.db", query) != rows(store, query)


@pytest.mark.parametrize("leads", [1, 2, 20_001])
def test_exactly_the_leads_that_were_asked_for(tmp_path: Path, leads: int) -> None:
    heard: list[int] = []
    generate(tmp_path / "leads.db", leads=leads, progress=heard.append)
    assert rows(tmp_path / "leads.db", "SELECT count(DISTINCT lead_id) FROM leads") == [(leads,)]
    assert heard[-1] == leads
    assert heard == sorted(set(heard))


def test_rows_spread_evenly_over_the_days(store: Path) -> None:
    days = rows(store, "SELECT substr(submitted_at, 1, 10), count(*) FROM leads GROUP BY 1 ORDER BY 1")
    assert [day for day, _ in days] == ["2024-01-30", "2024-01-31", "2024-02-01"]
    assert all(abs(count - COUNT / DAYS) <= 2 for _, count in days)


def test_a_lead_id_begins_with_the_second_of_its_submission(store: Path) -> None:
    for lead_id, submitted_at in rows(store, "SELECT lead_id, submitted_at FROM leads"):
        second = datetime.fromtimestamp(int(lead_id[:8], 16), UTC)
        assert second == datetime.fromisoformat(submitted_at).replace(microsecond=0)
        assert len(lead_id) == 24


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("a comma", "last_name LIKE '%,%'"),
        ("a quote", "instr(comments, '\"')"),
        ("a newline", "instr(comments, char(10))"),
        ("CR LF", "instr(comments, char(13, 10))"),
        ("a bare CR", "instr(comments, char(13)) AND NOT instr(comments, char(10))"),
        ("an accent", "first_name = 'Zoë'"),
        ("a combining accent", "instr(first_name, char(776))"),
        ("an emoji", "instr(comments, '🎉')"),
        ("right-to-left text", "instr(comments, 'مرحبا')"),
        ("null", "comments IS NULL"),
        ("an empty string", "address_2 = ''"),
        ("long text", "length(comments) > 3000"),
        ("a formula", "comments = '=1+1'"),
        ("a formula as a name", "first_name = '=1+1'"),
        ("a ZIP code with a leading zero", "postal_code LIKE '0____' AND country = 'US'"),
        ("a British postal code", "postal_code = 'SW1A 1AA' AND country = 'GB'"),
        ("a Canadian postal code", "postal_code = 'M5V 3L9' AND country = 'CA'"),
        ("an invalid e-mail", "email = 'not-an-email'"),
        ("an invalid phone", "phone_1 = '123'"),
        ("revenue with cents", "price LIKE '%.9_'"),
        ("no revenue", "price = '0.00'"),
        ("a failure with its reason", "outcome = 'failure' AND reason IS NOT NULL AND price IS NULL"),
        ("an error with its reason", "outcome = 'error' AND reason IS NOT NULL"),
        ("a duplicate", "reason = 'duplicate lead'"),
        ("an undeclared custom key", "json_extract(custom, '$.legacy_note') IS NOT NULL"),
        ("no custom values", "custom IS NULL"),
        ("an IPv6 address", "ip_address LIKE '2001:%'"),
        ("an integer beyond a double", "instr(custom, '9007199254740993')"),
    ],
)  # fmt: skip
def test_the_sample_holds(store: Path, what: str, where: str) -> None:
    assert rows(store, f"SELECT count(*) FROM leads WHERE {where}")[0][0] > 0, what


def test_persons_come_again(store: Path) -> None:
    emails = Counter(email for (email,) in rows(store, "SELECT email FROM leads WHERE email LIKE '%_@%.com'"))
    assert sum(count > 1 for count in emails.values()) > COUNT * 0.01


def test_some_leads_share_their_moment(store: Path) -> None:
    assert rows(store, "SELECT count(*) - count(DISTINCT submitted_at) FROM leads")[0][0] > 0


def test_every_reference_leads_somewhere(store: Path) -> None:
    assert rows(store, "PRAGMA foreign_key_check") == []
    assert rows(store, "SELECT count(*) FROM leads WHERE flow_id IS NULL OR source_id IS NULL") == [(0,)]
    assert rows(
        store, "SELECT count(*) FROM leads WHERE (outcome = 'success') != (recipient_id IS NOT NULL)"
    ) == [(0,)]


def test_every_value_is_spelled_as_the_store_promises(store: Path) -> None:
    for custom, appended in rows(store, "SELECT custom, appended FROM leads"):
        for text in filter(None, (custom, appended)):
            assert isinstance(json.loads(text), dict)
    odd = "price NOT GLOB '*[0-9].[0-9][0-9]' OR submitted_at NOT GLOB '????-??-??T??:??:??.???Z' OR tcpa_consent NOT IN (0, 1)"
    assert rows(store, f"SELECT count(*) FROM leads WHERE {odd}") == [(0,)]


def test_each_lead_ends_with_one_source_event(store: Path) -> None:
    query = """SELECT lead_id, type, outcome FROM (
        SELECT *, max(occurred_at) OVER (PARTITION BY lead_id) AS last FROM events) WHERE occurred_at = last"""
    last = {lead_id: (kind, outcome) for lead_id, kind, outcome in rows(store, query)}
    leads = rows(store, "SELECT lead_id, outcome FROM leads")
    assert last == {lead_id: ("source", outcome) for lead_id, outcome in leads}


def test_a_snapshot_in_an_event_has_no_social_security_number(store: Path) -> None:
    assert rows(store, "SELECT count(*) FROM events WHERE json_type(lead, '$.ssn') IS NOT NULL") == [(0,)]


def test_events_only_when_asked(tmp_path: Path) -> None:
    generate(tmp_path / "leads.db", leads=10)
    assert rows(tmp_path / "leads.db", "SELECT count(*) FROM events") == [(0,)]


def test_windows_are_read_through_an_index(store: Path) -> None:
    plan = rows(
        store,
        "EXPLAIN QUERY PLAN SELECT * FROM leads WHERE submitted_at >= '2024' ORDER BY submitted_at, lead_id",
    )
    assert [step[-1] for step in plan] == ["SEARCH leads USING INDEX leads_by_time (submitted_at>?)"]


def test_a_second_sample_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    generate(tmp_path / "leads.db", leads=10)
    before = dump(tmp_path / "leads.db")
    with pytest.raises(RequestError, match="holds leads already"):
        generate(tmp_path / "leads.db", seed=9, leads=10)
    assert dump(tmp_path / "leads.db") == before


def test_replace_leaves_only_the_new_sample(tmp_path: Path) -> None:
    generate(tmp_path / "leads.db", leads=20, events=True)
    generate(tmp_path / "leads.db", seed=9, leads=10, replace=True)
    generate(tmp_path / "new.db", seed=9, leads=10)
    assert dump(tmp_path / "leads.db") == dump(tmp_path / "new.db")


def test_a_sample_that_stops_midway_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = tmp_path / "leads.db"
    generate(store, leads=10)
    before = dump(store)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(store, leads=20, replace=True, progress=stop)
    assert dump(store) == before


def test_an_empty_store_may_be_filled(tmp_path: Path) -> None:
    create_store(f"sqlite:///{tmp_path / 'leads.db'}")
    generate(tmp_path / "leads.db", leads=10)
    assert rows(tmp_path / "leads.db", "SELECT count(*) FROM leads") == [(10,)]


@pytest.mark.parametrize(("leads", "days"), [(0, 1), (-1, 1), (1, 0), (1, 4_000_000)])
def test_an_impossible_sample_is_refused(tmp_path: Path, leads: int, days: int) -> None:
    with pytest.raises(RequestError, match="at least 1 lead"):
        generate_leads(f"sqlite:///{tmp_path / 'leads.db'}", leads, 1, START, days)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "leads.db").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises((SourceError, RequestError), match=r"leads\.db: cannot open the lead store"):
        generate(tmp_path / "leads.db")


@pytest.mark.parametrize(
    "url", ["nonsense", "nodatabase://x/y", "postgresql+nodriver://user:hunter2@host/db"]
)
def test_a_wrong_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(RequestError, match="URL of the lead store") as caught:
        generate_leads(url, 1, 1, START, 1)
    assert "hunter2" not in str(caught.value)
