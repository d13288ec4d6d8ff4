from pathlib import Path

import pytest

from export_pipelines.catalog import Field, Kind
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.errors import ExportError
from export_pipelines.plan.columns import columns_of, without_repeats
from export_pipelines_tests.plan.leads import CATALOG, columns, plan
from export_pipelines_tests.plan.tables import field, request_for


def test_columns_keep_the_order_of_the_file(tmp_path: Path) -> None:
    assert list(columns(tmp_path, "fields: [state, email.tld, lead_id, email]")) == [
        "state", "email.tld", "lead_id", "email",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("id", "header", "path"),
    [
        ("email", "email", ("email",)),
        ("email.domain", "email_domain", ("email_components", "domain")),
        ("flow.name", "flow_name", ("flow", "name")),
        ("custom.product_type", "custom_product_type", ("custom", "product_type")),
        ("appended.geo.lat", "appended_geo_lat", ("appended", "geo", "lat")),
    ],
)
def test_one_name_has_three_spellings(tmp_path: Path, id: str, header: str, path: tuple[str, ...]) -> None:
    column = columns(tmp_path, f"fields: [{id}]")[id]
    assert (column.header, column.json_path) == (header, path)


def test_headers_may_be_labels(tmp_path: Path) -> None:
    by_id = columns(tmp_path, "format: {csv: {header: labels}}\nfields: [lead_id, email.domain]")
    assert [column.header for column in by_id.values()] == ["Lead ID", "Email domain"]


@pytest.mark.parametrize(
    ("id", "kind", "scale"),
    [
        ("price", Kind.DECIMAL, 2),
        ("appended.geo.lat", Kind.NUMBER, None),
        ("submitted_at", Kind.TIMESTAMP, None),
        ("dob", Kind.DATE, None),
        ("dob.year", Kind.INTEGER, None),
        ("email.valid", Kind.BOOLEAN, None),
        ("custom", Kind.JSON, None),
    ],
)
def test_a_column_has_the_kind_of_its_value(tmp_path: Path, id: str, kind: Kind, scale: int | None) -> None:
    column = columns(tmp_path, f"fields: [{id}]")[id]
    assert (column.kind, column.scale) == (kind, scale)


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_json_does_not_repeat_what_a_whole_object_holds(tmp_path: Path, format: str) -> None:
    by_id = columns(tmp_path, f"format: {format}\nfields: [custom, custom.product_type, appended.geo.lat]")
    assert list(by_id) == ["custom", "appended.geo.lat"]


@pytest.mark.parametrize("format", ["csv", "tsv", "parquet"])
def test_a_flat_format_has_both_the_object_and_its_value(tmp_path: Path, format: str) -> None:
    by_id = columns(tmp_path, f"format: {format}\nfields: [custom, custom.product_type]")
    assert list(by_id) == ["custom", "custom.product_type"]


def test_a_value_comes_back_when_privacy_takes_its_object_away(tmp_path: Path) -> None:
    by_id = columns(
        tmp_path,
        "format: json\nfields: [custom, custom.product_type]\n"
        "privacy: {custom: remove, custom.product_type: keep}",
    )
    assert list(by_id) == ["custom.product_type"]


def test_parts_of_a_value_in_a_whole_object_stand_beside_it() -> None:
    request = request_for(Filter())
    request = type(request)(
        request.definition.model_copy(update={"format": Format(name="json")}),
        request.window,
        CATALOG,
        "sqlite",
    )
    whole = field("custom", "object")
    inner = Field(
        id="custom.work_email", type="email", column="custom", path="work_email", label="Work", group="Custom"
    )
    domain = next(part for part in inner.components if part.name == "domain")
    kept = without_repeats(columns_of([whole, inner, domain], request), request)
    assert [column.json_path for column in kept] == [
        ("custom",),
        ("custom_components", "work_email", "domain"),
    ]


def test_every_column_reads_a_column_of_the_query(tmp_path: Path) -> None:
    compiled = plan(tmp_path, "fields: [email.domain, email.user, flow.name, custom]")
    assert [column.name for column in compiled.query.columns] == [
        "email",
        "flow.name",
        "custom",
        "ssn",
        "submitted_at",
        "lead_id",  # which errors name
    ]
    assert {column.source for column in compiled.masking.columns} <= {
        column.name for column in compiled.query.columns
    }


def test_required_fields_that_are_exported_are_marked(tmp_path: Path) -> None:
    columns = plan(tmp_path, "fields: [lead_id, email, flow.name]").masking.columns
    assert [column.id for column in columns if column.required] == ["lead_id", "flow.name"]


def test_two_labels_that_are_the_same_are_refused() -> None:
    request = request_for(Filter())
    labelled = request.definition.model_copy(
        update={"format": Format(name="csv", options={"header": "labels"})}
    )
    fields = [field("a", "text"), field("b", "text").model_copy(update={"label": "a"})]
    with pytest.raises(ExportError, match='a and b would both be the column "a"'):
        columns_of(fields, type(request)(labelled, request.window, CATALOG, "sqlite"))
