"""Components of values that are hidden, or not valid."""

import pytest

from export_pipelines.errors import RequestError
from export_pipelines_tests.mask.leads import (
    plan_of,
    row,
)

PARTS_OF_EMAIL = ("email", "email.domain", "email.host", "email.tld", "email.valid")


def test_a_cell_with_more_than_an_address_is_masked_whole_and_has_no_parts() -> None:
    lead = {"email": "jane@example.com / 512-555-0142 Jane Roe"}
    nothing = {"email.domain": None, "email.host": None, "email.tld": None, "email.valid": False}
    assert row(lead, PARTS_OF_EMAIL, {"email": "mask"}) == {"email": "***"} | nothing
    assert row(lead, PARTS_OF_EMAIL, {}) == lead | nothing


def test_a_group_by_a_part_holds_nothing_of_a_value_that_is_not_valid() -> None:
    lead = {"phone_1": "512-555-0142 or 512-555-0143"}
    assert row(lead, ["phone_1.area", "phone_1.exchange", "phone_1.line"], {}) == {
        "phone_1.area": None,
        "phone_1.exchange": None,
        "phone_1.line": None,
    }


@pytest.mark.parametrize(
    ("fields", "privacy", "named"),
    [
        (("phone_1", "phone_1.area", "phone_1.exchange"), {"phone_1": "mask"}, "phone_1.exchange"),
        (("phone_1", "phone_1.line"), {"phone_1": "mask"}, "phone_1.line"),
        (("phone_1", "phone_1.line"), {"phone_1": "hash"}, "phone_1.line"),
        (("postal_code", "postal_code.zip"), {"postal_code": "mask"}, "postal_code.zip"),
        (("postal_code", "postal_code.fsa", "postal_code.ldu"), {"postal_code": "hash"}, "postal_code.ldu"),
    ],
)
def test_parts_that_recompose_a_hidden_value_are_refused(
    fields: tuple[str, ...], privacy: dict[str, str], named: str
) -> None:
    with pytest.raises(RequestError) as refused:
        plan_of(fields, privacy)
    assert named in str(refused.value)


def test_beside_a_masked_phone_stands_its_area_alone() -> None:
    lead = {"phone_1": "512-555-0142"}
    assert row(lead, ["phone_1", "phone_1.area"], {"phone_1": "mask"}) == {
        "phone_1": "******0142",
        "phone_1.area": "512",
    }
