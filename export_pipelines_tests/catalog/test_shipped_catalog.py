"""The catalog that ships with the package."""

import pytest

from export_pipelines.catalog import SEMANTIC_TYPES, Catalog, Dataset, Kind, PiiClass, load_catalog
from export_pipelines.errors import CatalogError

STANDARD = """
lead_id reference submitted_at flow.id flow.name source.id source.name recipient.id recipient.name campaign_id affiliate_id
landing_page user_agent ip_address trustedform_cert_url tcpa_consent first_name last_name title email email_2 phone_1 phone_2
phone_3 dob gender ssn address_1 address_2 city state postal_code country comments outcome reason delivered_at price
purchase_price revenue cost custom appended
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(None)


@pytest.fixture(scope="module")
def leads(catalog: Catalog) -> Dataset:
    return catalog.dataset("leads")


def test_every_standard_field_is_there(leads: Dataset) -> None:
    assert [field.id for field in leads.fields if not field.path] == STANDARD.split()


def test_required_fields_are_those_of_a_smart_selection(leads: Dataset) -> None:
    assert {field.id for field in leads.fields if field.required} == {
        "lead_id", "submitted_at", "flow.name", "source.name", "outcome",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("id", "pii"),
    [
        ("email", "direct"),
        ("phone_3", "direct"),
        ("first_name", "direct"),
        ("dob", "direct"),
        ("gender", "sensitive"),
        ("ssn", "sensitive"),
        ("ip_address", "indirect"),
        ("postal_code", "indirect"),
        ("address_1", "direct"),
        ("comments", "direct"),
        ("trustedform_cert_url", "direct"),
        ("custom", "direct"),
        ("appended", "direct"),
        ("price", "none"),
        ("custom.product_type", "none"),
        ("appended.geo.lat", "indirect"),
        ("email.domain", "none"),
        ("email.user", "direct"),
    ],
)
def test_pii_classes_are_those_of_the_domain(leads: Dataset, id: str, pii: str) -> None:
    assert leads.find(id).pii is PiiClass(pii)


def test_money_is_decimal_with_two_places(leads: Dataset) -> None:
    for id in ("price", "purchase_price", "revenue", "cost", "custom.loan_amount"):
        (field,) = (field for field in leads.fields if field.id == id)
        assert (field.kind, field.decimal_scale) == (Kind.DECIMAL, 2)


def test_reporting_names_are_read_from_the_columns_of_the_prices(leads: Dataset) -> None:
    columns = {field.id: field.column for field in leads.fields}
    assert (columns["revenue"], columns["cost"]) == ("price", "purchase_price")


def test_declared_values_are_paths_in_json_columns(leads: Dataset) -> None:
    (field,) = (field for field in leads.fields if field.id == "appended.geo.lat")
    assert (field.column, field.path, field.group) == ("appended", "geo.lat", "Appended")


def test_no_two_names_share_a_header(leads: Dataset) -> None:
    headers = [id.replace(".", "_") for id in leads.by_id]
    assert len(set(headers)) == len(headers)


def test_rows_are_windowed_and_ordered_by_submission(leads: Dataset) -> None:
    assert (leads.window, leads.order) == ("submitted_at", ("submitted_at", "lead_id"))


def test_what_remains_of_a_type_is_among_its_components() -> None:
    for semantic_type in SEMANTIC_TYPES.values():
        assert semantic_type.remains <= set(semantic_type.components)
        assert (semantic_type.beside or frozenset()) <= semantic_type.remains
        assert all(together <= semantic_type.remains for together in semantic_type.apart)


def test_an_unknown_field_or_dataset_has_its_nearest_word(catalog: Catalog, leads: Dataset) -> None:
    with pytest.raises(CatalogError, match='did you mean "email"'):
        leads.find("emial")
    with pytest.raises(CatalogError, match='did you mean "leads"'):
        catalog.dataset("lead")
