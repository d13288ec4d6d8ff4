"""Which field of a lead the column of a file fills, by its header or by the mapping."""

import json

import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.importer.mapping import Mapping, Target, mapping_of
from export_pipelines_tests.importer.room import MAP, Room


def test_a_declared_custom_field_is_read_as_its_type(room: Room) -> None:
    result = room.load('when,ref,loan_amount,homeowner\n2024-01-15,1,"1,250.5",yes\n2024-01-15,2,much,no\n')
    assert result.catalog_file is None
    assert room.rows("SELECT custom FROM leads") == [('{"loan_amount":"1250.50","homeowner":true}',)]
    assert [reason for _, reason, _ in room.rejects()] == [
        "loan_amount: not an amount; expected one with a decimal point, such as 1234.50"
    ]


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


def test_what_parts_cells_is_seen_in_the_header(room: Room) -> None:
    content = "sep=;\r\nwhen;first name\r\n2024-01-15;Zoë, Ann\r\n".encode("utf-16")
    assert room.load(content, Mapping({"when": Target("submitted_at")})).loaded == 1
    assert room.rows("SELECT first_name FROM leads") == [("Zoë, Ann",)]


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


def test_custom_fields_that_no_row_has_filled_are_not_declared(room: Room) -> None:
    result = room.load("when,ref,new\nnever,1,x\n", catalog_out=room.catalog)
    assert (result.records, result.rejected, result.catalog_file) == (1, 1, None)
    assert not room.catalog.exists()
