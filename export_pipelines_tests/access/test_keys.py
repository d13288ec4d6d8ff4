"""API keys: whose they are, until when, and that nobody can read one a second time."""

import json
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from export_pipelines.access.keys import digest_of, id_of, key_text
from export_pipelines.errors import Denied
from export_pipelines.ledger import ApiKeys, Sessions, open_ledger
from export_pipelines.project import Project as Opened
from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]
NOW = datetime(2024, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = re.compile(r"epk_[0-9a-f]{72}")
VARIABLE = "EXPORT_PIPELINES_API_KEY"


@pytest.fixture
def keys(tmp_path: Path) -> ApiKeys:
    return ApiKeys(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}").engine)


def test_a_key_is_that_of_its_principal_until_it_expires(keys: ApiKeys) -> None:
    key = keys.new("ana", 90 * DAY, NOW, b"\1" * 32)
    assert keys.use(key, NOW + 90 * DAY - timedelta(seconds=1)) == "ana"
    with pytest.raises(Denied, match="is expired"):
        keys.use(key, NOW + 90 * DAY)


def test_last_use_is_kept(keys: ApiKeys) -> None:
    key = keys.new("ana", 90 * DAY, NOW, b"\1" * 32)
    assert keys.all("ana")[0].last_used_at is None
    keys.use(key, NOW + DAY)
    assert keys.all("ana")[0].last_used_at == NOW + DAY


def test_a_revoked_key_is_denied_without_being_repeated(keys: ApiKeys) -> None:
    key = keys.new("ana", 90 * DAY, NOW, b"\1" * 32)
    keys.revoke(id_of(key), NOW)
    with pytest.raises(Denied) as denied:
        keys.use(key, NOW)
    assert key not in str(denied.value) and "is revoked" in str(denied.value)


def test_a_rotated_key_stays_good_for_the_overlap(keys: ApiKeys) -> None:
    old = keys.new("ana", 90 * DAY, NOW, b"\1" * 32)
    new = keys.rotate(id_of(old), 7 * DAY, NOW + DAY, b"\2" * 32)
    assert keys.use(old, NOW + 7 * DAY) == keys.use(new, NOW + 7 * DAY) == "ana"
    with pytest.raises(Denied):
        keys.use(old, NOW + 8 * DAY)
    assert keys.use(new, NOW + 90 * DAY) == "ana"


def test_an_overlap_makes_no_key_live_longer(keys: ApiKeys) -> None:
    old = keys.new("ana", 3 * DAY, NOW, b"\1" * 32)
    keys.rotate(id_of(old), 30 * DAY, NOW, b"\2" * 32)
    assert keys.named(id_of(old)).expires_at == NOW + 3 * DAY


@pytest.mark.parametrize("place", [4, 30, 67, 75])
def test_a_mistyped_key_is_told_by_its_checksum(place: int) -> None:
    key = key_text(bytes(range(32)))
    wrong = key[:place] + ("0" if key[place] != "0" else "1") + key[place + 1 :]
    with pytest.raises(Denied, match="checksum is wrong") as denied:
        digest_of(wrong)
    assert wrong not in str(denied.value)


def test_a_key_is_printed_once_and_kept_nowhere(guarded: Project, terminal: Terminal) -> None:
    made = terminal("access", "key", "new", "ana", "--expires", "90d", "--as", "boss")
    key = made.stdout.strip()
    assert made.code == 0 and KEY.fullmatch(key) and "of ana, until 2024-05-05" in made.stderr
    stored = b"".join(one.read_bytes() for one in guarded.home.rglob("*") if one.is_file())
    assert key.encode() not in stored and key[4:68].encode() not in stored
    assert bytes.fromhex(key[4:68]) not in stored and digest_of(key).encode() in stored
    listed = terminal("access", "key", "list", "--as", "boss").stdout
    assert key[4:12] in listed and "2024-05-05" in listed and key not in listed


def test_a_key_says_who_asks(guarded: Project, terminal: Terminal) -> None:
    guarded.environment[VARIABLE] = terminal("access", "key", "new", "ana", "--as", "boss").stdout.strip()
    told = terminal("plan", "leads", "--partition", "2024-01-01")
    assert "asked for by ana as analyst" in told.stdout
    other = terminal("plan", "leads", "--partition", "2024-01-01", "--as", "boss")
    assert other.code == 2 and "the key is that of ana" in other.stderr


@pytest.mark.parametrize("command", [("new", "ana"), ("list",), ("revoke", "x"), ("rotate", "x")])
def test_keys_are_for_those_who_administer(
    guarded: Project, terminal: Terminal, command: tuple[str, ...]
) -> None:
    answer = terminal("access", "key", *command, "--as", "ana")
    assert answer.code == 2 and 'ana has no role with the permission "admin"' in answer.stderr


def test_an_operator_ends_the_sessions_of_a_principal(guarded: Project, terminal: Terminal) -> None:
    """Those that a key started, and those that none did; nobody else's."""
    key = terminal("access", "key", "new", "ana", "--as", "boss").stdout.strip()
    sessions = Sessions(Opened.open(guarded.folder, guarded.environment).ledger.engine)
    by_key, other = sessions.new("ana", NOW, id_of(key)), sessions.new("boss", NOW)
    terminal("access", "key", "revoke", id_of(key), "--as", "boss")
    with pytest.raises(Denied, match="has ended"):
        sessions.use(by_key, NOW)
    without = sessions.new("ana", NOW)
    assert terminal("access", "sign-out", "ana", "--as", "ana").code == 2
    assert sessions.use(without, NOW) == "ana"
    answer = terminal("access", "sign-out", "ana", "--as", "boss")
    assert answer.code == 0 and "sessions of ana that were ended: 2" in answer.stderr
    with pytest.raises(Denied, match="has ended"):
        sessions.use(without, NOW)
    assert sessions.use(other, NOW) == "boss"


def test_review_tells_rights_keys_and_runs_of_each_principal(guarded: Project, terminal: Terminal) -> None:
    terminal("access", "key", "new", "ana", "--as", "boss")
    terminal("run", "leads", "--partition", "2024-01-01", "--as", "ana")
    rows = {
        load["principal"]: load
        for load in json.loads(terminal("access", "review", "--json", "--as", "boss").stdout)
    }
    assert rows["bo"]["roles"] == ["analyst by team:data"]
    ana, boss, gone = rows["ana"], rows["boss"], rows["gone"]
    assert ana["flows"] == ["Auto insurance"] and ana["exported"][0].startswith("leads: 1 artifact, ")
    assert ana["personal_fields_in_clear"] == [] and "email" in boss["personal_fields_in_clear"]
    assert boss["exports_owned"] == ["leads"]
    assert boss["never_used"] == ["permission view", "permission create", "permission download"]
    assert "0 days old, last used never" in ana["keys"][0]
    assert gone["permissions"] == [] and gone["expires"] == "2024-01-31"
    table = terminal("access", "review", "--csv", "--as", "boss").stdout.splitlines()
    assert table[0].startswith("principal,roles,expires") and len(table) == len(rows) + 1


def test_explain_tells_line_by_line(guarded: Project, terminal: Terminal) -> None:
    told = terminal("access", "explain", "ana", "leads").stdout.splitlines()
    assert told[0] == "less ana as analyst: leads (access.yaml:4)"
    assert "yes    permission create (access.yaml:5)" in told
    assert "no     permission admin (access.yaml:5)" in told
    assert "less   email: hash instead of keep (exports/leads.yaml:4)" in told
    owner = terminal("access", "explain", "boss", "leads").stdout.splitlines()
    assert owner[0] == "yes  boss as operator, the owner: leads (access.yaml:2)"


def test_the_ledger_keeps_digests_only(keys: ApiKeys, tmp_path: Path) -> None:
    key = keys.new("ana", DAY, NOW, b"\7" * 32)
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        (row,) = connection.execute("SELECT * FROM api_keys").fetchall()
    assert key not in row and digest_of(key) in row
