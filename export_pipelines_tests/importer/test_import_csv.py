"""The importer: what stands in the file stands in the store exactly, or in the reject file with its line."""

import csv
import io
import json
import os
import signal
import tempfile
import tracemalloc
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import load_catalog
from export_pipelines.errors import ImportFileError
from export_pipelines.importer.guess_dialect import FileForm
from export_pipelines.importer.import_csv import ImportedColumn, ImportResult, import_leads
from export_pipelines.importer.mapping import Match, load_mapping, mapping_of
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.importer.room import MAP, Room

PROJECT = Path(__file__).parents[2]
COMPLAINTS = """\
Date received,Product,Sub-product,Issue,Sub-issue,Consumer complaint narrative,Company public response,Company,State,ZIP code,Tags,Consumer consent provided?,Submitted via,Date sent to company,Company response to consumer,Timely response?,Consumer disputed?,Complaint ID
2023-08-25,Credit reporting,,Wrong information,,,,"EQUIFAX, INC.",FL,02009,,,Web,2023-08-26,Closed,Yes,N/A,7523056
2023-08-23,"Credit reporting, or other",,It's "wrong",,"Dear Sir,
they said ""no"".\r
Regards",,"EQUIFAX, INC.",TX,770XX,Older American,Consent provided,Phone,2023-08-23,In progress,No,N/A,7446803
2023-07-17,Vehicle loan,Lease,=1+1,,Ünïcode 🎉,,"Zoë & Söhne",,,,,Web,2023-07-17,Closed,Yes,,7264219
2023-07-17,Vehicle loan or lease,"Credit reporting, credit repair serv"""


@pytest.fixture
def complaints(room: Room) -> Room:
    mapping = load_mapping(PROJECT / "examples" / "cfpb_mapping.yaml")
    result = room.load(COMPLAINTS, mapping, catalog_out=room.catalog)
    assert (result.loaded, result.rejected) == (3, 1)
    return room


def test_a_cut_last_row_is_rejected_with_the_line_it_starts_on(complaints: Room) -> None:
    [(line, reason, raw)] = complaints.rejects()
    assert line == 7
    assert "still open at the end of the file" in reason
    assert raw == COMPLAINTS.splitlines()[-1]


def test_cells_are_stored_exactly(complaints: Room) -> None:
    stored = complaints.rows(
        "SELECT reference, submitted_at, state, postal_code, comments, name FROM leads "
        "JOIN recipients ON id = recipient_id ORDER BY reference DESC"
    )
    assert stored == [
        ("7523056", "2023-08-25T00:00:00.000Z", "FL", "02009", None, "EQUIFAX, INC."),
        ("7446803", "2023-08-23T00:00:00.000Z", "TX", "770XX", 'Dear Sir,\nthey said "no".\r\nRegards', "EQUIFAX, INC."),
        ("7264219", "2023-07-17T00:00:00.000Z", None, None, "Ünïcode 🎉", "Zoë & Söhne"),
    ]  # fmt: skip


def test_columns_without_a_field_become_custom_fields(complaints: Room) -> None:
    [(custom,)] = complaints.rows("SELECT custom FROM leads WHERE reference = '7446803'")
    assert json.loads(custom) == {
        "product": "Credit reporting, or other",
        "issue": 'It\'s "wrong"',
        "tags": "Older American",
        "consumer_consent_provided": "Consent provided",
        "date_sent_to_company": "2023-08-23",
        "company_response_to_consumer": "In progress",
        "timely_response": False,
        "consumer_disputed": "N/A",
    }


def test_names_become_flows_sources_and_recipients(complaints: Room) -> None:
    assert complaints.rows("SELECT name FROM flows") == [("Consumer complaints",)]
    assert complaints.rows("SELECT name FROM sources ORDER BY name") == [("Phone",), ("Web",)]
    assert complaints.rows("SELECT count(*) FROM recipients") == [(2,)]
    assert complaints.rows("PRAGMA foreign_key_check") == []


def test_a_lead_id_begins_with_the_second_of_its_time(complaints: Room) -> None:
    odd = "substr(lead_id, 1, 8) != printf('%08x', unixepoch(submitted_at)) OR length(lead_id) != 24"
    assert complaints.rows(f"SELECT count(*) FROM leads WHERE {odd}") == [(0,)]


def test_a_second_import_finds_everything_there(complaints: Room) -> None:
    before = complaints.rows("SELECT * FROM leads")
    complaints.reject = complaints.folder / "again.csv"
    mapping = load_mapping(PROJECT / "examples" / "cfpb_mapping.yaml")
    again = complaints.load(COMPLAINTS, mapping, catalog=load_catalog(complaints.catalog))
    assert (again.loaded, again.already_there, again.rejected) == (0, 3, 1)
    assert complaints.rows("SELECT * FROM leads") == before


def test_imported_custom_fields_stand_in_the_catalog(complaints: Room) -> None:
    dataset = load_catalog(complaints.catalog).dataset("leads")
    sent, tags = dataset.find("custom.date_sent_to_company"), dataset.find("custom.tags")
    assert (sent.kind, sent.pii, sent.label) == ("date", "none", "Date sent to company")
    assert (tags.kind, tags.pii) == ("text", "direct")


NASTY = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
) | st.sampled_from(
    ["", '"', ",", "\n", "\r\n", "\r", "007", "N/A", "null", " x ", "=1+1", "\u2028", "🎉", "\ufeff", "\\N"]
)


@settings(max_examples=examples(20))
@given(st.lists(st.tuples(NASTY, NASTY, NASTY), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_goes_in_is_in_the_store(rows: list[tuple[str, str, str]], end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["when", "comments", "Café — free text", "source.name"])
    writer.writerows(["2024-01-15", *row] for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder))
        result = room.load(text.getvalue(), mapping_of(["when=submitted_at"]))
        stored = room.rows(
            "SELECT comments, custom, name FROM leads LEFT JOIN sources ON id = source_id ORDER BY leads.rowid"
        )
    assert (result.loaded, result.reject_file) == (len(rows), None)
    assert [
        (comments or "", json.loads(custom or "{}").get("cafe_free_text", ""), name or "")
        for comments, custom, name in stored
    ] == rows


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-15", "too few cells: 1 where the header has 3"),
        ("2024-01-15,r1,5.00,", "too many cells: 4 where the header has 3"),
        ("yesterday,r1,5.00", "when: not a timestamp"),
        (",r1,5.00", "submitted_at is empty"),
        ("2024-01-15,r1,5.001", "price: an amount with more than two places"),
        ("yesterday,r1,five", "when: not a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z; price: not an amount"),
        ('2024-01-15,"r"1,5.00', "written twice"),
        (b"2024-01-15,r\xe9,5.00", "cell 2 holds bytes that are not UTF-8"),
        ("2024-01-15,r\0,5.00", "cell 2 holds a NUL character"),
        (b"2024-01-15,\xed\xa0\xbd,5.00", "cell 2 holds bytes that are not UTF-8"),
        ('2024-01-15,"r,5.00', "a quoted cell is still open"),
        ('2024-01-15,r",5.00,"', "a quoted cell is still open"),
        ("2024-01-15,r,1e999999999", "price: not an amount"),
        ("2024-01-15,r," + "9" * 5000, "price: an amount of"),
        ("9999-12-31T23:59:59-14:00,r,5", "when: not a moment of the calendar"),
    ],
)  # fmt: skip
def test_a_bad_row_is_rejected_and_the_others_are_loaded(room: Room, row: str | bytes, reason: str) -> None:
    bad = row if isinstance(row, bytes) else row.encode()
    content = b'when,ref,price\n2024-01-14,"a\nb",5\n' + bad + b"\n2024-01-16,r2,7.10\n"
    result = room.load(content, replace(MAP, encoding="utf-8"))
    assert (result.loaded, result.rejected, result.reject_file) == (2, 1, room.reject)
    [(line, why, raw)] = room.rejects()
    assert line == 4
    assert reason in why
    assert raw == bad.decode("utf-8", "backslashreplace")
    assert room.rows("SELECT price FROM leads ORDER BY 1") == [("5.00",), ("7.10",)]


def test_the_reject_file_is_for_its_owner_alone(room: Room) -> None:
    room.load("when,ref\nnever,1\n")
    assert room.reject.stat().st_mode & 0o777 == 0o600


def test_nothing_rejected_leaves_no_reject_file(room: Room) -> None:
    assert room.load("when,ref\n2024-01-15,1\n").reject_file is None
    assert sorted(path.name for path in room.folder.iterdir()) == ["in.csv", "leads.db"]


def test_no_reject_file_replaces_another(room: Room) -> None:
    for number, name in ((1, "rejects.csv"), (2, "rejects_2.csv"), (3, "rejects_3.csv")):
        result = room.load(f"when,ref\nnever,{number}\n", is_numbered=True)
        assert result.reject_file == room.folder / name
        assert f'"never,{number}"' in (room.folder / name).read_text()
    assert room.load("when,ref\n2024-01-15,1\n", is_numbered=True).reject_file is None
    assert '"never,1"' in room.reject.read_text()
    with pytest.raises(ImportFileError, match=r"rejects\.csv: a file of that name is there"):
        room.load("when,ref\n2024-01-16,4\nnever,5\n")
    assert room.rows("SELECT count(*) FROM leads") == [(1,)]


def test_two_imports_at_once_have_a_reject_file_each(room: Room) -> None:
    other, results = Room(room.folder), list[ImportResult]()
    other.file, other.store = room.folder / "other.csv", room.folder / "other.db"

    def meanwhile(_: int) -> None:
        results.append(other.load("when,ref\nnever,other\n", is_numbered=True))

    results.append(room.load("when,ref\nnever,own\n", progress=meanwhile, is_numbered=True))
    texts = {result.reject_file.read_text() for result in results if result.reject_file}
    assert len(texts) == 2 and {"rejects.csv", "rejects_2.csv"} <= {
        path.name for path in room.folder.iterdir()
    }


def test_what_a_killed_import_left_goes_with_the_next_one(room: Room) -> None:
    killed = get_context("spawn").Process(target=_dies_at_work, args=(room.folder,))
    killed.start()
    killed.join()
    assert [path for path in room.folder.iterdir() if path.suffix == ".part"]
    room.load("when,ref\n2024-01-15,1\n")
    assert sorted(path.name for path in room.folder.iterdir()) == ["in.csv", "leads.db"]


def _dies_at_work(folder: Path) -> None:
    def die(_: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Room(folder).load("when,ref\nnever,1\n", progress=die)


def test_rows_of_many_megabytes_are_held_one_at_a_time(room: Room) -> None:
    big = "x" * 3_000_000
    room.file.write_text("when,ref,comments\n" + "".join(f"2024-01-15,{n},{big}\n" for n in range(40)))
    tracemalloc.start()
    result = import_leads(room.file, MAP, f"sqlite:///{room.store}", room.reject)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.loaded, result.rejected) == (40, 0)
    assert peak < 80_000_000


def test_a_dry_run_tells_all_and_writes_nothing(room: Room) -> None:
    content = "Wann;REF;Straße\n31/1/2024;1;Königstraße 5\n1/2/2024;2;Bäckerweg\nnever;3;x\n".encode("cp1252")
    mapping = mapping_of(["wann=submitted_at", "ref=reference"])
    result = room.load(content, mapping, catalog_out=room.catalog, dry_run=True)
    assert [path.name for path in room.folder.iterdir()] == ["in.csv"]
    assert (result.form, result.loaded) == (FileForm("cp1252", ";", ("encoding", "delimiter")), 2)
    assert result.first_rejects == (
        (4, "Wann: not a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z"),
    )
    assert result.columns == (
        ImportedColumn("Wann", "submitted_at", Match.SIMILAR_IN_MAPPING),
        ImportedColumn("REF", "reference", Match.SIMILAR_IN_MAPPING),
        ImportedColumn("Straße", "custom.strae", Match.NEW),
    )
    loaded = room.load(content, mapping, catalog_out=room.catalog)
    assert (loaded.loaded, loaded.columns, loaded.dates) == (2, result.columns, result.dates)
