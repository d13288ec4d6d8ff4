"""A user's own catalog: mapping to other tables is a matter of this file only, and every fault has its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.catalog import Dataset, PiiClass, load_catalog
from export_pipelines.errors import CatalogError

Leads = Callable[[str], Dataset]

WHOLE = """\
datasets:
  leads:
    table: crm.people
    window: at
    order: [at, id]
    joins: {shop: {table: crm.shops, key: id, on: shop_id}}
    fields:
      id: {type: id}
      at: {type: timestamp, stored_as: epoch_ms}
      shop.name: {type: text, column: shop.title}
"""


@pytest.fixture
def leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Leads:
    monkeypatch.chdir(tmp_path)

    def load(text: str) -> Dataset:
        (tmp_path / "catalog.yaml").write_text(text, encoding="utf-8")
        return load_catalog(tmp_path / "catalog.yaml").dataset("leads")

    return load


def extend(lines: str) -> str:
    return f"extends: shipped\ndatasets:\n  leads:\n{lines}\n"


def test_a_catalog_may_be_wholly_ones_own(leads: Leads) -> None:
    dataset = leads(WHOLE)
    assert (dataset.table, [field.id for field in dataset.fields]) == (
        "crm.people",
        ["id", "at", "shop.name"],
    )
    assert dataset.joins[0].alias == "shop"


def test_a_field_without_a_class_counts_as_direct_pii(leads: Leads) -> None:
    assert leads(WHOLE).find("id").pii is PiiClass.DIRECT


def test_the_shipped_dataset_can_be_read_from_another_table(leads: Leads) -> None:
    dataset = leads(extend("    table: lead_view"))
    assert (dataset.table, len(dataset.fields)) == (
        "lead_view",
        len(load_catalog(None).dataset("leads").fields),
    )


def test_a_field_is_changed_key_by_key(leads: Leads) -> None:
    field = next(
        field for field in leads(extend("    fields: {email: {column: mail}}")).fields if field.id == "email"
    )
    assert (field.column, field.type, field.pii) == ("mail", "email", PiiClass.DIRECT)


def test_custom_fields_have_a_short_form_and_join_those_declared_already(leads: Leads) -> None:
    dataset = leads(
        extend(
            "    custom: {state_of_mind: {type: text, pii: none}, narrative: {path: 'Long Text', type: text}}"
        )
    )
    field = next(field for field in dataset.fields if field.id == "custom.state_of_mind")
    assert (field.column, field.path, field.label) == ("custom", "state_of_mind", "Custom state of mind")
    assert "custom.product_type" in dataset.by_id
    assert next(field for field in dataset.fields if field.id == "custom.narrative").path == "Long Text"


def test_custom_values_follow_the_column_of_their_object(leads: Leads) -> None:
    dataset = leads(extend("    fields: {custom: {column: extra_json}}"))
    assert {field.column for field in dataset.fields if field.id.startswith("custom")} == {"extra_json"}


def test_null_takes_a_field_away(leads: Leads) -> None:
    assert "gender" not in leads(extend("    fields: {gender: null}")).by_id


def test_a_join_can_be_replaced(leads: Leads) -> None:
    dataset = leads(extend("    joins: {flow: {table: campaigns, key: code, on: campaign_code}}"))
    assert next(join for join in dataset.joins if join.alias == "flow").table == "campaigns"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("    fields:\n      a: {type: txt}", 'catalog.yaml:5: a: unknown type "txt"; did you mean "text"?'),
        ("    fields: {email: {pii: directt}}", 'catalog.yaml:4: email: unknown PII class "directt"; did you mean "direct"?'),
        ("    fields: {a: {pii: none}}", 'catalog.yaml:4: a: a field needs "type"'),
        ("    fields: {price: {scale: 3}}", 'catalog.yaml:4: price: only a "number" has a scale'),
        ("    fields: {at: {type: timestamp, stored_as: epoch}}", "unknown way to store a timestamp"),
        ("    feilds: {}", 'catalog.yaml:4: datasets.leads: unknown key "feilds"; did you mean "fields"?'),
        ("    fields: {a: {typ: text}}", 'catalog.yaml:4: datasets.leads.fields.a: unknown key "typ"; did you mean "type"?'),
        ("    fields: {email_domain: {type: text}}", 'would both have the header "email_domain"'),
        ("    fields: {custom.product_type: {type: text}}", 'two fields have the id "custom.product_type"'),
        ("    fields: {email_components: {type: text}}", 'the header "email_components"'),
        ("    fields: {Email: {type: text}}", "an id is lower-case letters"),
        ("    fields: {a: {type: text, column: shops.name}}", 'catalog.yaml:4: a: the column "shops.name" is of no table'),
        ("    window: email", "catalog.yaml:4: the window \"email\" must be a timestamp"),
        ("    order: [submited_at]", 'catalog.yaml:4: unknown field "submited_at"; did you mean "submitted_at"?'),
        ("    joins: {flow: {table: flows, key: id}}", 'the key "on" is missing'),
        ("    fields: {custom: null}", 'values under "custom" need the field "custom"'),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(leads: Leads, lines: str, text: str) -> None:
    with pytest.raises(CatalogError) as caught:
        leads(extend(lines))
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("    fields:\n      code: {type: text, column: ssn}", 'catalog.yaml:5: code: the column "ssn" is that of ssn, whose type ssn'),
        ("    fields:\n      code: {type: integer, column: leads.SSN}", "catalog.yaml:5: code: the column"),
        ("    joins: {again: {table: leads, key: lead_id, on: lead_id}}\n    fields:\n      code: {type: text, column: again.ssn}", "catalog.yaml:6: code"),
        ("    custom:\n      key: {type: credential}\n      code: {type: text, path: key}", 'catalog.yaml:6: custom.code: the column "custom", path "key"'),
        ("    custom:\n      key: {type: credential}\n      code: {type: text, path: key.inner.most}", "is that of custom.key"),
        ("    custom:\n      ssn: {type: text, pii: direct}", 'catalog.yaml:5: custom.ssn: a field of this name has the type "ssn", not "text"'),
        ("    custom:\n      code: {type: text, path: SSN}", "custom.code: a field of this name"),
        ("    fields:\n      code: {type: id, column: spouse_ssn}", "code: a field of this name"),
    ],
)  # fmt: skip
def test_a_field_that_would_show_what_is_never_exported_is_refused(
    leads: Leads, lines: str, text: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        leads(extend(lines))
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_field_of_another_dataset_on_the_closed_column_is_refused(leads: Leads) -> None:
    lead = "{table: leads, key: lead_id, on: lead_id}"
    text = f"extends: shipped\ndatasets:\n  events:\n    joins: {{whole: {lead}}}\n    fields:\n"
    for place in ("column: whole.ssn", "column: lead, path: ssn"):
        with pytest.raises(CatalogError, match=r"catalog\.yaml:6: code: the column"):
            leads(f"{text}      code: {{type: text, {place}}}\n")


def test_more_fields_that_are_never_exported_are_no_fault(leads: Leads) -> None:
    custom = (
        "{spouse_ssn: {type: ssn}, ssn_verified: {type: boolean, pii: none}, api_key: {type: credential}}"
    )
    dataset = leads(extend(f"    custom: {custom}\n    fields: {{code: {{type: ssn, column: ssn}}}}"))
    assert {"code", "custom.spouse_ssn", "custom.ssn_verified"} <= set(dataset.by_id)


def test_all_faults_are_told_at_once(leads: Leads) -> None:
    with pytest.raises(CatalogError) as caught:
        leads(extend("    window: none\n    fields:\n      a: {type: txt}\n      b: {type: text, pii: x}"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_dataset_says_its_table_window_and_order(leads: Leads) -> None:
    with pytest.raises(CatalogError) as caught:
        leads("datasets:\n  leads:\n    fields: {a: {type: text}}\n")
    assert str(caught.value).splitlines() == [
        f'catalog.yaml:2: the dataset "leads" needs "{key}"' for key in ("order", "table", "window")
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("datasets: [", "catalog.yaml:1: not YAML"),
        ("a: 1\na: 2", "catalog.yaml:2: the key"),
        ("", "catalog.yaml:1: a mapping"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused(leads: Leads, text: str, what: str) -> None:
    with pytest.raises(CatalogError) as caught:
        leads(text)
    assert what in str(caught.value)


def test_a_catalog_that_is_not_there_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="EXPORT_PIPELINES_CATALOG"):
        load_catalog(tmp_path / "none.yaml")


def test_a_table_says_by_what_its_new_rows_are_told(leads: Leads) -> None:
    stream = leads(
        extend(
            "    stream: {transaction: written_by, publication: exports, key: number, binlog: true, change: delivered_at}"
        )
    ).stream
    assert stream.model_dump() == {
        "transaction": "written_by",
        "publication": "exports",
        "key": "number",
        "binlog": True,
        "change": "delivered_at",
    }
    assert load_catalog(None).dataset("leads").stream.model_dump(exclude_defaults=True) == {}


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        ("{transaction: written by}", '"written by" is no name of a column of leads'),
        ("{publication: My own}", '"My own" is no name of a publication'),
        ("{key: 1a}", '"1a" is no name of a column of leads'),
        ("{change: delivered}", 'unknown field "delivered"; did you mean "delivered_at"'),
        ("{change: email}", '"email" must be a timestamp with a column of its own'),
        ("{xid: written_by}", 'unknown key "xid"'),
    ],
)
def test_a_wrong_word_about_new_rows_is_told_with_its_line(leads: Leads, stream: str, text: str) -> None:
    with pytest.raises(CatalogError, match=f"catalog.yaml:4: .*{text}"):
        leads(extend(f"    stream: {stream}"))
