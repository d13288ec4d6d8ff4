"""Which fields come out, and in which order."""

import pytest

from export_pipelines.catalog import Dataset
from export_pipelines.definition import resolve_fields
from export_pipelines.errors import CatalogError, DefinitionError
from export_pipelines_tests.definition.conftest import Load


def chosen(load: Load, leads: Dataset, fields: str) -> list[str]:
    return [resolve_field.id for resolve_field in resolve_fields(load(f"fields: {fields}"), leads)]


def with_fields(leads: Dataset, *fields: object) -> Dataset:
    return Dataset.model_validate(
        {name: getattr(leads, name) for name in Dataset.model_fields} | {"fields": fields}
    )


def test_all_is_every_field_in_catalog_order_but_those_never_exported(load: Load, leads: Dataset) -> None:
    assert chosen(load, leads, "all") == [field.id for field in leads.fields if field.id != "ssn"]


def test_a_list_keeps_the_order_of_the_file(load: Load, leads: Dataset) -> None:
    assert chosen(load, leads, "[state, email.domain, lead_id]") == ["state", "email.domain", "lead_id"]


def test_a_glob_stands_where_it_is_written_and_repeats_nothing(load: Load, leads: Dataset) -> None:
    assert chosen(load, leads, "[custom.homeowner, custom.*, lead_id]") == [
        "custom.homeowner", "custom.product_type", "custom.loan_amount", "custom.utm_campaign", "lead_id",
    ]  # fmt: skip


def test_a_glob_names_the_components_of_a_field(load: Load, leads: Dataset) -> None:
    ids = chosen(load, leads, "[email.*]")
    assert ids == [
        f"email.{name}" for name in ("user", "domain", "host", "tld", "is_free", "is_disposable", "valid")
    ]


def test_a_glob_leaves_out_what_is_never_exported(load: Load, leads: Dataset) -> None:
    assert "ssn" not in chosen(load, leads, '["s*"]')


def test_required_fields_only(load: Load, leads: Dataset) -> None:
    assert chosen(load, leads, "{required: true}") == [
        "lead_id", "submitted_at", "flow.name", "source.name", "outcome",
    ]  # fmt: skip


def test_without_pii_only_the_parts_remain_that_may_be_shown(load: Load, leads: Dataset) -> None:
    ids = chosen(load, leads, "{exclude_pii: true}")
    assert {"email.domain", "phone_1.area", "postal_code.zip", "dob.year", "custom.product_type"} <= set(ids)
    for private in ("email", "email.user", "phone_1", "phone_1.line", "first_name", "gender", "comments", "custom",
                    "appended", "address_1", "address_1.number", "dob", "postal_code", "postal_code.four", "ip_address",
                    "city", "trustedform_cert_url", "trustedform_cert_url.host", "appended.geo.lat"):  # fmt: skip
        assert private not in ids


def test_light_leaves_out_the_wide_objects_and_nothing_else(load: Load, leads: Dataset) -> None:
    everything, light = chosen(load, leads, "all"), chosen(load, leads, "{light: true}")
    assert [id for id in everything if id not in light] == ["custom", "appended"]


def test_exclusions_are_ids_and_globs(load: Load, leads: Dataset) -> None:
    ids = chosen(load, leads, '{exclude_pii: true, exclude: ["appended.*", email.domain, state]}')
    assert "email.host" in ids
    assert not {"email.domain", "state", "appended.anura.result"} & set(ids)


def test_resolving_against_another_catalog_names_the_place(load: Load, leads: Dataset) -> None:
    definition = load("fields: [lead_id, state]")
    smaller = with_fields(leads, *(field for field in leads.fields if field.id != "state"))
    with pytest.raises(CatalogError) as caught:
        resolve_fields(definition, smaller)
    assert caught.value.where == f"{definition.path}:3"


def test_two_columns_of_one_header_are_refused(load: Load, leads: Dataset) -> None:
    twin = leads.find("state").model_copy(update={"id": "email_domain"})
    wider = with_fields(leads, *leads.fields, twin)
    definition = load("fields: [email.domain]").model_copy(
        update={"fields": ("email.domain", "email_domain")}
    )
    with pytest.raises(CatalogError, match='would both have the header "email_domain"'):
        resolve_fields(definition, wider)


def test_an_exclusion_that_names_nothing_is_refused(load: Load) -> None:
    with pytest.raises(DefinitionError, match='unknown field "emial"'):
        load("fields: {exclude: [emial]}")
