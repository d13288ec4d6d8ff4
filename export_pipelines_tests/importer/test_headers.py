"""Headers as CRM systems export them fill the lead's own fields, where nothing else does."""

import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.importer.headers import compared, targets_of
from export_pipelines.importer.layout import TYPES
from export_pipelines.importer.mapping import Mapping, Match, Target, mapping_of
from export_pipelines.importer.usual_headers import USUAL_HEADERS

LEADS = load_catalog(None).dataset("leads")


def fields(header: str, *words: str, constants: tuple[str, ...] = ()) -> list[str]:
    targets, faults = targets_of(header.split(","), mapping_of([*words], [*constants]), LEADS, TYPES)
    assert faults == []
    return [target.field for target in targets]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("E-Mail Address,Phone Number,Zip Code,Surname", "email,phone_1,postal_code,last_name"),
        ("email_address,MOBILE,zip,Given Name", "email,phone_1,postal_code,first_name"),
        ("Email,Phone,Mobile,Home Phone,Work Phone", "email,phone_1,phone_2,phone_3,custom.work_phone"),
        ("Mailing Street,Mailing City,Mailing State/Province,Mailing Zip/Postal Code,Mailing Country",
         "address_1,city,state,postal_code,country"),
        ("Street Address,Address Line 2,State/Region,Country/Region,Date of Birth", "address_1,address_2,state,country,dob"),
        ("E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Value", "email,email_2,phone_1"),
        ("E-mail Address,E-mail 2 Address,Business Phone,xxTrustedFormCertUrl", "email,email_2,phone_1,trustedform_cert_url"),
        ("phone_number,post_code,Notes,Sex", "phone_1,postal_code,comments,gender"),
    ],
)  # fmt: skip
def test_a_usual_name_fills_its_field(header: str, expected: str) -> None:
    assert fields(header) == expected.split(",")


@pytest.mark.parametrize(
    ("header", "words", "constants", "expected"),
    [
        ("Email Address,email", (), (), "email_2,email"),
        ("Zip Code,Postal Code", (), (), "custom.zip_code,postal_code"),
        ("Zip Code,Plz", ("Plz=postal_code",), (), "custom.zip_code,postal_code"),
        ("Surname,x", (), ("last_name=Doe",), "custom.surname,custom.x"),
        ("Mobile,x", ("Mobile=custom.mobile",), (), "custom.mobile,custom.x"),
        ("Password,SSN,Spouse SSN", (), (), "custom.password,ssn,custom.spouse_ssn"),
        ("Phone,phone", (), (), "custom.phone,custom.phone_2"),
        ("Created Date,Fax,Company", (), (), "custom.created_date,custom.fax,custom.company"),
    ],
)
def test_what_is_mapped_or_called_by_its_own_name_comes_first(
    header: str, words: tuple[str, ...], constants: tuple[str, ...], expected: str
) -> None:
    assert fields(header, *words, constants=constants) == expected.split(",")


def test_usual_names_are_written_as_they_are_compared_and_fill_fields_that_there_are() -> None:
    named = [(header, field) for ids, headers in USUAL_HEADERS.items() for header in headers for field in ids]
    assert [header for header, _ in named if compared(header) != header] == []
    assert {field for _, field in named} <= set(TYPES)
    headers = [header for headers in USUAL_HEADERS.values() for header in headers]
    assert len(headers) == len(set(headers))


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ("When", Match.MAPPING),
        ("WHEN", Match.SIMILAR_IN_MAPPING),
        ("Day,Clock", Match.MAPPING),
        ("Day,clock", Match.SIMILAR_IN_MAPPING),
        ("email", Match.NAME),
        ("E-mail", Match.SIMILAR_NAME),
        ("First name", Match.NAME),
        ("First Name", Match.SIMILAR_NAME),
        ("source_name", Match.NAME),
        ("Source Name", Match.SIMILAR_NAME),
        ("loan_amount", Match.NAME),
        ("custom.loan_amount", Match.NAME),
        ("LOAN-AMOUNT", Match.SIMILAR_NAME),
        ("Zip Code", Match.USUAL_NAME),
        ("ssn", Match.NAME),
        ("Social Security Number", Match.USUAL_NAME),
        ("Spouse SSN", Match.NEW),
        ("Shoe size", Match.NEW),
    ],
)
def test_why_a_column_goes_to_its_field_is_told(header: str, match: Match) -> None:
    words = mapping_of([f"{name}=delivered_at" for name in ("When",) if "hen" in header.lower()])
    if header.startswith("Day"):
        words = Mapping({"Day": Target("delivered_at", time_in="Clock")})
    targets, _ = targets_of(header.split(","), words, LEADS, TYPES)
    assert targets[-1].match is match
