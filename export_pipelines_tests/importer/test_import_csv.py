"""The importer: what stands in the file stands in the store exactly, or in the reject file with its line."""

import csv
import io
import json
import sqlite3
import tempfile
import tracemalloc
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from export_pipelines.catalog import load_catalog
from export_pipelines.errors import CatalogError, ImportFileError, StoreError
from export_pipelines.importer.dates import DateOrder
from export_pipelines.importer.guess_dialect import FileForm
from export_pipelines.importer.import_csv import ImportedColumn, ImportResult, import_leads
from export_pipelines.importer.mapping import Mapping, Match, Target, load_mapping, mapping_of
from export_pipelines.lead_store.tables import metadata
from export_pipelines.sample import generate_leads
from export_pipelines_tests.conftest import examples

PROJECT = Path(__file__).parents[2]
COMPLAINTS = """\
Date received,Product,Sub-product,Issue,Sub-issue,Consumer complaint narrative,Company public response,Company,State,ZIP code,Tags,Consumer consent provided?,Submitted via,Date sent to company,Company response to consumer,Timely response?,Consumer disputed?,Complaint ID
2023-08-25,Credit reporting,,Wrong information,,,,"EQUIFAX, INC.",FL,02009,,,Web,2023-08-26,Closed,Yes,N/A,7523056
2023-08-23,"Credit reporting, or other",,It's "wrong",,"Dear Sir,
they said ""no"".\r
Regards",,"EQUIFAX, INC.",TX,770XX,Older American,Consent provided,Phone,2023-08-23,In progress,No,N/A,7446803
2023-07-17,Vehicle loan,Lease,=1+1,,Ünïcode 🎉,,"Zoë & Söhne",,,,,Web,2023-07-17,Closed,Yes,,7264219
2023-07-17,Vehicle loan or lease,"Credit reporting, credit repair serv"""
MAP = Mapping({"when": Target("submitted_at"), "ref": Target("reference")}, {"flow.name": "Loans"})


class Room:
    """One store, one file to import, one reject file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.store = folder, folder / "in.csv", folder / "leads.db"
        self.reject, self.catalog = folder / "rejects.csv", folder / "catalog.yaml"

    def load(self, content: str | bytes, mapping: Mapping = MAP, **options: Any) -> ImportResult:
        self.file.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = import_leads(self.file, mapping, f"sqlite:///{self.store}", self.reject, **options)
        assert result.records == result.loaded + result.already_there + result.rejected
        return result

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.store)) as connection:
            return connection.execute(query).fetchall()

    def rejects(self) -> list[tuple[int, str, str]]:
        with self.reject.open(newline="", encoding="utf-8") as stream:
            return [(int(line), reason, raw) for line, reason, raw in list(csv.reader(stream))[1:]]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


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
        ("yesterday,r1,five", "when: not a timestamp: 2024-01-15 or 2024-01-15T10:30:45.123Z; price: not an amount"),
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


def test_nothing_rejected_leaves_no_reject_file_not_even_an_old_one(room: Room) -> None:
    room.load("when,ref\nnever,1\n")
    assert room.load("when,ref\n2024-01-15,1\n").reject_file is None
    assert sorted(path.name for path in room.folder.iterdir()) == ["in.csv", "leads.db"]


def test_equal_rows_without_a_reference_are_several_leads(room: Room) -> None:
    content = "when,email\n" + "2024-01-15,a@example.com\n" * 3
    mapping = mapping_of(["when=submitted_at"])
    assert room.load(content, mapping).loaded == 3
    assert room.load(content, mapping).already_there == 3


def test_a_reference_that_comes_twice_is_rejected_with_both_lines(room: Room) -> None:
    room.load("when,ref,city\n2024-01-15,r1,Austin\n2024-01-15,r1,Dallas\n")
    assert room.rejects() == [(3, "the same reference, source and time as in line 2", "2024-01-15,r1,Dallas")]
    assert room.rows("SELECT city FROM leads") == [("Austin",)]


def test_the_same_reference_of_two_sources_is_two_leads(room: Room) -> None:
    content = "when,ref,source.name\n2024-01-15,r1,Web\n2024-01-15,r1,Phone\n"
    assert room.load(content).loaded == 2


def test_a_row_that_changed_since_the_last_import_is_rejected_by_name(room: Room) -> None:
    room.load("when,ref,city\n2024-01-15,r1,Austin\n")
    result = room.load("when,ref,city\n2024-01-15,r1,Dallas\n")
    assert result.rejected == 1
    assert "is in the store with another city" in room.rejects()[0][1]


def test_a_lead_id_of_the_file_is_kept(room: Room) -> None:
    id = "65a5051500000000000000aa"
    room.load(
        f"when,lead_id\n2024-01-15,{id}\n2024-01-16,{id}\n2024-01-17,ABC\n", mapping_of(["when=submitted_at"])
    )
    assert room.rows("SELECT lead_id FROM leads") == [(id,)]
    assert [reason for _, reason, _ in room.rejects()] == [
        "the same lead_id as in line 2",
        "lead_id: not an id: 24 digits 0-9 a-f",
    ]


def test_a_name_that_the_store_knows_keeps_its_id(room: Room) -> None:
    generate_leads(f"sqlite:///{room.store}", 5, 1, date(2024, 1, 1), 1)
    room.load("when,ref,recipient.name\n2024-01-15,1,Beta Bank\n")
    assert room.rows("SELECT count(*) FROM recipients WHERE name = 'Beta Bank'") == [(1,)]
    assert room.rows("SELECT count(*) FROM leads") == [(6,)]


def test_ids_and_names_of_a_party_may_both_be_given(room: Room) -> None:
    id = "0123456789abcdef01234567"
    room.load(f"when,ref,source_id,source_name\n2024-01-15,1,{id},Web\n2024-01-15,2,{id},Phone\n")
    assert room.rows("SELECT id, name FROM sources") == [(id, "Web")]
    assert [reason for _, reason, _ in room.rejects()] == ["source.id belongs to another source.name"]


def test_a_declared_custom_field_is_read_as_its_type(room: Room) -> None:
    result = room.load('when,ref,loan_amount,homeowner\n2024-01-15,1,"1,250.5",yes\n2024-01-15,2,much,no\n')
    assert result.catalog_file is None
    assert room.rows("SELECT custom FROM leads") == [('{"loan_amount":"1250.50","homeowner":true}',)]
    assert [reason for _, reason, _ in room.rejects()] == ["loan_amount: not an amount: 1234.50"]


def test_headers_that_would_share_a_key_stay_apart(room: Room) -> None:
    result = room.load("when,ref,A b,a-B,,2nd,名\n2024-01-15,1,x,y,z,w,v\n")
    assert list(result.custom_fields.values()) == [
        "custom.a_b", "custom.a_b_2", "custom.column_5", "custom.c_2nd", "custom.column_7",
    ]  # fmt: skip
    assert json.loads(room.rows("SELECT custom FROM leads")[0][0]) == {
        "a_b": "x", "a_b_2": "y", "column_5": "z", "c_2nd": "w", "column_7": "v",
    }  # fmt: skip


def test_headers_name_a_field_without_regard_to_case_and_blanks(room: Room) -> None:
    headers = (
        " When ,REF,Email,E-Mail 2,First Name,last-name,phone 1,Phone_2,DOB,State,Source Name,LoanAmount"
    )
    values = "2024-01-15,1,a@b.test,c@d.test,Ann,Roe,512 555 0142,512 555 0143,1990-02-03,TX,Web,5"
    result = room.load(f"{headers}\n{values}\n")
    assert room.rows(
        "SELECT reference, email, email_2, first_name, last_name, phone_1, phone_2, dob, state, name, custom "
        "FROM leads JOIN sources ON id = source_id"
    ) == [(*values.split(",")[1:11], '{"loan_amount":"5.00"}')]
    assert result.custom_fields == {"LoanAmount": "custom.loan_amount"}


def test_the_label_of_a_personal_field_names_it(room: Room) -> None:
    room.load("when,ref,date of birth,IP Address\n2024-01-15,1,1990-02-03,192.0.2.1\n")
    assert room.rows("SELECT dob, ip_address FROM leads") == [("1990-02-03", "192.0.2.1")]


@pytest.mark.parametrize(
    "header", ["ssn", "SSN", " S S N ", "Social Security Number", "social_security", "SS#"]
)
def test_a_header_of_the_social_security_number_fills_its_field(room: Room, header: str) -> None:
    result = room.load(f"when,ref,{header}\n2024-01-15,1,987-65-4321\n", catalog_out=room.catalog)
    assert room.rows("SELECT ssn, custom FROM leads") == [("987-65-4321", None)]
    assert (result.custom_fields, result.never_exported) == ({}, {header: "ssn"})
    assert not room.catalog.exists()


@pytest.mark.parametrize(
    ("header", "field", "type_name"),
    [
        ("SSN_last4", "custom.ssn_last4", "ssn"),
        ("spouse SSN", "custom.spouse_ssn", "ssn"),
        ("Password", "custom.password", "credential"),
        ("API Key", "custom.api_key", "credential"),
    ],
)
def test_other_headers_of_a_closed_type_become_custom_fields_of_that_type(
    room: Room, header: str, field: str, type_name: str
) -> None:
    for number in (1, 2):  # the second time the catalog knows it
        catalog = load_catalog(room.catalog) if number == 2 else None
        row = f"2024-01-15,{number},4321"
        result = room.load(f"when,ref,{header}\n{row}\n", catalog=catalog, catalog_out=room.catalog)
        assert (result.custom_fields, result.never_exported) == ({header: field}, {header: type_name})
    declared = load_catalog(room.catalog).dataset("leads").find(field)
    assert (getattr(declared, "type", None), declared.pii) == (type_name, "sensitive")


def test_a_mapped_column_of_a_closed_type_becomes_a_custom_field_of_it(room: Room) -> None:
    columns = MAP.columns | {"Spouse SSN": Target("custom.other"), "code": Target("custom.ssn_tail")}
    result = room.load("when,ref,spouse ssn,code\n2024-01-15,1,x,y\n", Mapping(columns))
    assert result.never_exported == {"spouse ssn": "ssn", "code": "ssn"}


def test_a_column_that_comes_twice_is_two_custom_fields_each_time(room: Room) -> None:
    content = "when,ref,note,note\n2024-01-15,1,a,b\n"
    room.load(content, catalog_out=room.catalog)
    again = room.load(content, catalog=load_catalog(room.catalog), catalog_out=room.catalog)
    assert (again.already_there, again.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("content", "mapping", "message"),
    [
        ("", MAP, r"in\.csv: the file is empty"),
        ("when,reff\n", MAP, r'unknown column "ref"; did you mean "reff"\?'),
        ("when,ref,ref\n", MAP, 'the file has 2 columns named "ref"'),
        ("when,ref\n", Mapping({"when": Target("submited_at")}), r'did you mean "submitted_at"\?'),
        ("when,ref\n", Mapping({"ref": Target("reference")}), 'nothing fills "submitted_at"'),
        ("when,ref\n", Mapping({"when": Target("submitted_at"), "ref": Target("submitted_at")}), "filled 2 times"),
        ("when,ref\n", Mapping(MAP.columns, {"outcome": "sold"}), 'the constant "outcome": not an outcome'),
        ("when,ref\n", Mapping(MAP.columns, {"reference": "x"}), '"reference" is filled 2 times'),
        ("when,ref,x\n", Mapping(MAP.columns | {"x": Target("custom.A-b")}), r"a custom field is custom\.NAME"),
        ("when,ref,x\n", Mapping(MAP.columns | {"x": Target("custom.homeowner", type="date")}), "declares"),
        ("when,ref,Email,email\n", MAP, '"email" is filled 2 times, by the column "Email" and the column "email"; map one'),
        ("when,ref,SSN,Social Security\n", MAP, '"ssn" is filled 2 times'),
        ("when,ref,mail,E-Mail\n", Mapping(MAP.columns | {"mail": Target("email")}), 'the column "mail" and the column "E-Mail"'),
        ("when,ref,City\n", Mapping(MAP.columns, {"city": "Austin"}), 'the column "City" and a constant'),
        ("when,ref,Product Type,product_type\n", MAP, r'"custom\.product_type" is filled 2 times'),
        ("when,ref,a b,A-B\n", Mapping(MAP.columns | {"AB": Target("city")}), 'the file has 2 columns named "AB"'),
        ("when,ref\n", Mapping(MAP.columns | {"When": Target("delivered_at")}), 'the column "when" twice, as "when" and "When"'),
        ("when,ref,SSN\n", Mapping(MAP.columns | {"SSN": Target("campaign_id")}), '"SSN" names a value of type ssn, which is never exported, but campaign_id is exported'),
        ("when,ref,SSN\n", Mapping(MAP.columns | {"SSN": Target("custom.a", type="text")}), r"custom\.a is declared as text"),
        ("when,ref,pwd\n", Mapping(MAP.columns | {"pwd": Target("custom.product_type")}), r"type credential, which is never exported, but custom\.product_type"),
        ('when,"ref', MAP, r"in\.csv:1: the header cannot be read"),
        (b"when,\xff\n", replace(MAP, encoding="utf-8"), r"in\.csv:1: the header cannot be read"),
        (b"when,ref\n2024-01-15,Mu\xf1oz\n2024-01-16,Fran\xe8ois\n", MAP, r"its encoding cannot be told.*--encoding cp125"),
        ("when,ref;x\n", MAP, r"what parts its cells cannot be told: comma or semicolon"),
        ("when,ref\n1/2/2024,1\n3/4/2024,2\n", MAP, r"\"when\" are written as 1/2/2024.*no row has a day after the 12th.*--dates"),
        ("when,ref\n13/2/2024,1\n3/14/2024,2\n", MAP, "line 2 is day first and line 3 is month first"),
    ],
)  # fmt: skip
def test_an_unusable_file_or_mapping_writes_nothing(
    room: Room, content: str | bytes, mapping: Mapping, message: str
) -> None:
    with pytest.raises(ImportFileError, match=message):
        room.load(content, mapping)
    assert [path.name for path in room.folder.iterdir()] == ["in.csv"]


def test_the_reject_file_never_replaces_the_import_file(room: Room) -> None:
    room.reject = room.file
    with pytest.raises(ImportFileError, match="would replace"):
        room.load("when,ref\nnever,1\n")
    assert room.file.read_text() == "when,ref\nnever,1\n"


def test_an_import_that_stops_midway_leaves_the_store_as_it_was(room: Room) -> None:
    room.load("when,ref\n2024-01-15,before\n")
    before = room.rows("SELECT * FROM leads")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.load("when,ref,new\n2024-01-16,1,x\nnever,2,x\n", progress=stop, catalog_out=room.catalog)
    assert room.rows("SELECT * FROM leads") == before
    assert sorted(path.name for path in room.folder.iterdir()) == ["in.csv", "leads.db"]


def test_a_catalog_that_cannot_be_extended_stops_the_import(room: Room) -> None:
    room.catalog.write_text("extends: shipped\ndatasets: {}\n")
    with pytest.raises(CatalogError, match="by hand"):
        room.load("when,ref,new\n2024-01-16,1,x\n", catalog_out=room.catalog)
    assert room.rows("SELECT name FROM sqlite_master") == []


def test_what_stands_in_the_catalog_stays(room: Room) -> None:
    room.load("when,ref,first\n2024-01-16,1,x\n", catalog_out=room.catalog)
    edited = room.catalog.read_text().replace("type: text, pii: direct", "type: text, pii: none  # looked at")
    edited = edited.replace('# looked at, label: "first"}', ', label: "first"}  # looked at')
    room.catalog.write_text(edited)
    room.load("when,ref,second\n2024-01-16,2,x\n", catalog_out=room.catalog)
    dataset = load_catalog(room.catalog).dataset("leads")
    assert [(dataset.find(id).pii) for id in ("custom.first", "custom.second")] == ["none", "direct"]
    assert "# looked at" in room.catalog.read_text()


def test_a_folder_that_cannot_be_written_is_named(room: Room) -> None:
    (room.folder / "wall").write_text("")
    room.reject = room.folder / "wall" / "rejects.csv"
    with pytest.raises(StoreError, match="cannot write the reject file"):
        room.load("when,ref\n2024-01-16,1\n")


@pytest.mark.parametrize(
    ("written", "zone", "stored"),
    [
        ("2024-01-15 10:30", "America/Chicago", "2024-01-15T16:30:00.000Z"),
        ("2024-07-15 10:30", "America/Chicago", "2024-07-15T15:30:00.000Z"),
        ("2024-07-15T10:30:00Z", "America/Chicago", "2024-07-15T10:30:00.000Z"),
        ("2024-01-31 20:00", "America/New_York", "2024-02-01T01:00:00.000Z"),
        ("2024-01-15 10:30", None, "2024-01-15T10:30:00.000Z"),
    ],
)
def test_times_without_an_offset_are_of_the_zone_of_the_file(
    room: Room, written: str, zone: str | None, stored: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text("columns: {when: submitted_at}\n" + (f"timezone: {zone}\n" if zone else ""))
    assert room.load(f"when,x\n{written},1\n", load_mapping(file)).loaded == 1
    assert room.rows("SELECT submitted_at FROM leads") == [(stored,)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [("2024-11-03 01:30", "America/Chicago show twice"), ("2024-03-10 02:30", "America/Chicago leave out")],
)
def test_an_hour_that_clocks_show_twice_or_not_at_all_is_rejected(
    room: Room, written: str, reason: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text("columns: {when: submitted_at}\ntimezone: America/Chicago\n")
    assert room.load(f"when,x\n{written},1\n2024-11-03 03:00,2\n", load_mapping(file)).rejected == 1
    ((line, why, _),) = room.rejects()
    assert line == 2 and reason in why


def test_equal_rows_of_two_partners_are_two_leads(room: Room) -> None:
    for partner in ("A", "B", "A"):
        mapping = Mapping({"when": Target("submitted_at")}, {"source.name": partner})
        result = room.load("when,x\n2024-01-15,1\n", mapping)
        assert result.rejected == 0
    assert room.rows("SELECT count(*), count(DISTINCT source_id) FROM leads") == [(2, 2)]


def test_what_parts_cells_is_seen_in_the_header(room: Room) -> None:
    content = "sep=;\r\nwhen;first name\r\n2024-01-15;Zoë, Ann\r\n".encode("utf-16")
    assert room.load(content, Mapping({"when": Target("submitted_at")})).loaded == 1
    assert room.rows("SELECT first_name FROM leads") == [("Zoë, Ann",)]


OBJECTS = {
    '{""a"": ""\\ud83d""}': "JSON with half a character",
    '{""\\ud83d"": 1}': "JSON with half a character",
    '{""a"": ""\\u0000""}': "JSON with a NUL character",
    '{""a"": 1e999999999999999999999}': "a number beyond all exponents",
    '{""a"": 1e999999999}': "a number of more than 1,000 digits",
    '{""a"": ' + "9" * 5000 + "}": "a number of more than 1,000 digits",
    '{""a"": ' * 500 + "1" + "}" * 500: "JSON of more than 30 levels",
    '{""a"": ' + "[" * 50_000 + "]" * 50_000 + "}": "JSON of more than 30 levels",
    '{""a"": NaN}': "not JSON",
    "{": "not JSON",
}


@pytest.mark.parametrize("written", OBJECTS, ids=list(OBJECTS.values()))
def test_an_object_that_databases_cannot_hold_or_read_is_rejected_alone(room: Room, written: str) -> None:
    result = room.load(f'when,ref,appended\n2024-01-15,1,"{written}"\n2024-01-15,2,"{{""a"": 1.10}}"\n')
    assert (result.loaded, result.rejected) == (1, 1)
    assert OBJECTS[written] in room.rejects()[0][1]
    assert room.rows("SELECT appended FROM leads") == [('{"a":1.10}',)]


def test_rows_of_many_megabytes_are_held_one_at_a_time(room: Room) -> None:
    big = "x" * 3_000_000
    room.file.write_text("when,ref,comments\n" + "".join(f"2024-01-15,{n},{big}\n" for n in range(40)))
    tracemalloc.start()
    result = import_leads(room.file, MAP, f"sqlite:///{room.store}", room.reject)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.loaded, result.rejected) == (40, 0)
    assert peak < 80_000_000


@pytest.mark.parametrize(
    ("times", "mapping", "stored", "order"),
    [
        (["1/2/2024", "1/31/2024"], {}, "2024-01-02T00:00:00.000Z", ("month first", 3)),
        (["1/2/2024", "31/1/2024"], {}, "2024-02-01T00:00:00.000Z", ("day first", 3)),
        (["01.02.2024 10:30", "31.01.2024"], {}, "2024-02-01T10:30:00.000Z", ("day first", 3)),
        (["1/2/2024 12:05 AM", "1/31/2024"], {}, "2024-01-02T00:05:00.000Z", ("month first", 3)),
        (["1/2/2024, 10:30:15 p.m.", "1/31/2024"], {}, "2024-01-02T22:30:15.000Z", ("month first", 3)),
        (["1/2/2024", "1/3/2024"], {"dates": DateOrder.DAY_FIRST}, "2024-02-01T00:00:00.000Z", ("day first", None)),
        (["1/1/2024", "2/2/2024"], {}, "2024-01-01T00:00:00.000Z", ("month first", None)),
        (["1/2/2024 23:30", "1/31/2024"], {"zone": ZoneInfo("America/New_York")}, "2024-01-03T04:30:00.000Z", ("month first", 3)),
    ],
)  # fmt: skip
def test_day_and_month_are_told_by_the_other_rows_or_by_a_person(
    room: Room, times: list[str], mapping: dict[str, Any], stored: str, order: tuple[str, int | None]
) -> None:
    rows = "".join(f'"{time}",{n}\n' for n, time in enumerate(times))
    result = room.load(f"when,ref\n{rows}", replace(MAP, **mapping))
    assert [(column.header, column.order, column.line) for column in result.dates] == [("when", *order)]
    assert room.rows("SELECT submitted_at FROM leads WHERE reference = '0'") == [(stored,)]


def test_one_slip_among_many_dates_is_rejected_alone(room: Room) -> None:
    rows = "".join(f"1/{13 + n % 9}/2024,{n}\n" for n in range(200))
    result = room.load(f"when,ref\n{rows}31/1/2024,x\n")
    assert (result.loaded, [reason for _, reason, _ in room.rejects()]) == (
        200,
        ["when: not in the calendar, month first"],
    )


@pytest.mark.parametrize(
    ("date", "time", "more", "stored"),
    [
        ("2024-01-15", "10:30", "", "2024-01-15T10:30:00.000Z"),
        ("1/15/2024", "10:30 PM", "", "2024-01-15T22:30:00.000Z"),
        ("15.Jan.24", "10h30", ", format: '%d.%b.%y %Hh%M'", "2024-01-15T10:30:00.000Z"),
    ],
)
def test_date_and_time_in_two_columns_are_one_time(
    room: Room, date: str, time: str, more: str, stored: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text(f"columns: {{Date: {{field: submitted_at, with: time{more}}}}}\n")
    result = room.load(f"Time,DATE,city\n{time},{date},Austin\n,{date},Dallas\n", load_mapping(file))
    assert room.rows("SELECT submitted_at, city, custom FROM leads") == [(stored, "Austin", None)]
    assert [reason for _, reason, _ in room.rejects()] == ["DATE: only one of date and time of day is given"]
    assert [(column.header, column.field) for column in result.columns] == [
        ("Time", "its time of day"),
        ("DATE", "submitted_at"),
        ("city", "city"),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("Date: {field: submitted_at, with: tim}", 'unknown column "tim"; allowed: Date, Time, city'),
        ("Date: {field: submitted_at, with: Time}, Time: city", 'the column "Time" is mapped'),
        (
            "Date: submitted_at, city: {field: city, with: Time}",
            "joins a time of day to a date, and city is none",
        ),
    ],
)
def test_a_time_of_day_that_cannot_be_joined_is_refused(room: Room, columns: str, message: str) -> None:
    file = room.folder / "map.yaml"
    file.write_text(f"columns: {{{columns}}}\n")
    with pytest.raises(ImportFileError, match=message):
        room.load("Date,Time,city\n2024-01-15,10:30,Austin\n", load_mapping(file))


def test_the_prefixes_of_facebooks_lead_ads_are_taken_off(room: Room) -> None:
    text = (
        "id\tcreated_time\tad_id\tcampaign_id\tform_id\temail\tPhone_Number\tzip\tcomments\n"
        "l:1200001\t2024-01-15T10:30:00-06:00\tag:1200002\tc:1200003\tf:1200004\ta@b.test\tp:+15125550142\tz:76701\tp:x\n"
    )
    mapping = mapping_of(
        ["id=reference", "created_time=submitted_at", "phone number=phone_1", "zip=postal_code"]
    )
    room.load(text.encode("utf-16"), mapping)
    assert room.rows(
        "SELECT reference, submitted_at, campaign_id, email, phone_1, postal_code, comments, custom FROM leads"
    ) == [
        ("1200001", "2024-01-15T16:30:00.000Z", "1200003", "a@b.test", "+15125550142", "76701", "p:x",
         '{"ad_id":"1200002","form_id":"1200004"}'),
    ]  # fmt: skip


def test_a_dry_run_tells_all_and_writes_nothing(room: Room) -> None:
    content = "Wann;REF;Straße\n31/1/2024;1;Königstraße 5\n1/2/2024;2;Bäckerweg\nnever;3;x\n".encode("cp1252")
    mapping = mapping_of(["wann=submitted_at", "ref=reference"])
    result = room.load(content, mapping, catalog_out=room.catalog, dry_run=True)
    assert [path.name for path in room.folder.iterdir()] == ["in.csv"]
    assert (result.form, result.loaded) == (FileForm("cp1252", ";", ("encoding", "delimiter")), 2)
    assert result.first_rejects == ((4, "Wann: not a timestamp: 2024-01-15 or 2024-01-15T10:30:45.123Z"),)
    assert result.columns == (
        ImportedColumn("Wann", "submitted_at", Match.SIMILAR_IN_MAPPING),
        ImportedColumn("REF", "reference", Match.SIMILAR_IN_MAPPING),
        ImportedColumn("Straße", "custom.strae", Match.NEW),
    )
    loaded = room.load(content, mapping, catalog_out=room.catalog)
    assert (loaded.loaded, loaded.columns, loaded.dates) == (2, result.columns, result.dates)


def test_a_row_that_the_store_refuses_is_rejected_alone(room: Room, mariadb_url: str) -> None:
    long = "x" * 70_000  # a TEXT of MariaDB holds 65,535 bytes
    engine = create_engine(mariadb_url.replace("mariadb", "mysql+pymysql", 1))
    metadata.drop_all(engine)
    room.file.write_text(
        f"when,ref,comments,source.name\n2024-01-15,1,a,Web\n2024-01-15,2,{long},Web\n2024-01-15,3,b,{long}\n2024-01-15,4,c,\n"
    )
    result = import_leads(room.file, MAP, mariadb_url, room.reject)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT reference, comments FROM leads ORDER BY reference")).all()
    assert [tuple(row) for row in rows] == [("1", "a"), ("4", "c")]
    assert (result.loaded, result.rejected) == (2, 2)
    assert all("the store refuses it: DataError" in why for _, why, _ in room.rejects())
