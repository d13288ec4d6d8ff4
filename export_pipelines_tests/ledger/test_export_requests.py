"""Requests and links in the ledger, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from export_pipelines.artifacts import open_store
from export_pipelines.artifacts.sealing.store import SealedStore
from export_pipelines.erasure.retention import sweep
from export_pipelines.ledger import ExportRequest, ExportRequests, Ledger, Link, Links, RunLeases
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines_tests.artifacts.build import AT, WINDOW, manifest_of, stored

DAY = timedelta(days=1)


def request(number: int, key: str | None = None, at: datetime = AT) -> ExportRequest:
    id = f"{number:024x}"
    return ExportRequest(
        id=id,
        run_id=f"run {number}",
        requester="ana",
        export=f"request_{id}",
        definition={"type": "lead", "format": "csv"},
        partition=None,
        window_key=WINDOW.key,
        start=WINDOW.start,
        end=WINDOW.end,
        overrides={},
        any_hour=False,
        idempotency_key=key,
        body_sha256="0" * 64,
        created_at=at,
        expires_at=at + 30 * DAY,
        status="created",
        expected_rows=None,
    )


def test_of_one_idempotency_key_there_is_one_request(ledger: Ledger) -> None:
    requests = ExportRequests(ledger.engine)
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda n: requests.add(request(n, "key"), 25), range(8)))
    assert len({one.id for one in kept if one}) == 1
    assert requests.of_key("ana", "key") == kept[0]
    assert requests.of_key("bo", "key") is None
    assert requests.add(replace(request(9, "key"), requester="bo"), 25) == replace(
        request(9, "key"), requester="bo"
    )


def test_no_more_than_so_many_wait_however_many_ask(ledger: Ledger) -> None:
    requests = ExportRequests(ledger.engine)
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda n: requests.add(request(n), 5), range(12)))
    assert len([one for one in kept if one]) == 5
    requests.change(next(one for one in kept if one).id, status="complete")
    assert requests.add(request(99), 5)


def test_a_page_holds_what_is_kept_newest_first(ledger: Ledger) -> None:
    requests = ExportRequests(ledger.engine)
    for number in range(6):
        assert requests.add(request(number, at=AT + number // 2 * DAY), 25)
    requests.change(request(4).id, deleted_at=AT)
    ids = [one.id for one in requests.page(AT, 10)]
    assert ids == [request(n).id for n in (5, 3, 2, 1, 0)]
    (third,) = requests.page(AT, 10, before=(AT + DAY, request(3).id))[:1]
    assert third.id == request(2).id
    assert requests.page(AT, 10, requester="bo") == requests.page(AT, 10, statuses=["error"]) == []
    assert requests.page(AT + 31 * DAY, 10) == requests.page(AT + 31 * DAY, 10, "ana")
    assert [one.id for one in requests.page(AT + 31 * DAY, 10)] == [request(n).id for n in (5,)]


def test_progress_is_told_until_the_end_is_seen(ledger: Ledger) -> None:
    requests = ExportRequests(ledger.engine)
    asked = requests.add(request(1), 25)
    assert asked
    requests.progressed(asked.run_id, 7)
    assert (named := requests.named(asked.id)) and (named.rows, named.status) == (7, "processing")
    requests.change(asked.id, status="complete", rows=10)
    requests.progressed(asked.run_id, 8)
    assert (named := requests.named(asked.id)) and (named.rows, named.status) == (10, "complete")


def test_what_a_run_wrote_is_known_with_what_has_not_arrived(ledger: Ledger) -> None:
    requests = ExportRequests(ledger.engine)
    assert requests.written_by(["run"]) == {}
    manifest = manifest_of()
    ledger.register(manifest, [{"kind": "folder", "settings": {"path": "a"}}], "run", AT)
    made = requests.written_by(["run", "other"])["run"]
    assert (made.artifact, made.rows, made.missing) == (manifest.artifact, manifest.rows, frozenset({"due"}))


def test_what_the_run_in_the_place_of_a_lost_one_wrote_is_that_of_the_run_asked_for(ledger: Ledger) -> None:
    leases = RunLeases(ledger.engine)
    leases.take("run", "run", "host:1")
    leases.take("again", "run", "host:2")
    manifest = manifest_of()
    ledger.register(manifest, [], "again", AT)
    written = ExportRequests(ledger.engine).written_by(["run", "other"])
    assert list(written) == ["run"] and written["run"].artifact == manifest.artifact


def test_what_has_expired_is_swept_with_its_description(ledger: Ledger, tmp_path: Path) -> None:
    requests = ExportRequests(ledger.engine)
    store = SealedStore(open_store(str(tmp_path / "store")), LedgerKeys(lambda: ledger.engine), None)
    asked = requests.add(request(1), 25)
    assert asked
    manifest = stored(store, export=asked.export)
    assert sweep([], store, ledger, AT + 29 * DAY, tmp_path).removed == []
    assert sweep([], store, ledger, AT + 31 * DAY, tmp_path).removed == [manifest.artifact]
    assert requests.of_export(asked.export) is None
    assert requests.expired(AT + 31 * DAY) == []


def test_a_link_of_single_use_is_used_by_one_of_many(ledger: Ledger) -> None:
    links = Links(ledger.engine)
    link = Link("1" * 24, "daily/x/y", "ruth", "ana", AT, AT + DAY, True)
    links.add(link)
    with ThreadPoolExecutor(8) as threads:
        used = list(threads.map(lambda _: links.use(link.id, "a.csv", AT), range(8)))
    assert used.count(True) == 1
    assert links.use(link.id, "b.csv", AT)
    assert links.named(link.id) == link
    assert [link.state(AT), link.state(AT + DAY)] == ["active", "expired"]
    links.revoke(link.id, AT)
    assert links.of_artifact("daily/x/y")[0].state(AT) == "revoked"
