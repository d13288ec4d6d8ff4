"""A key may stand more than once in an object of JSON: each of its values is one of the row's own, on every database, so
that none of them goes out in a text of the row."""

from pathlib import Path
from typing import Any

import pytest

from export_pipelines import mask
from export_pipelines.catalog import Catalog, Dataset, PiiClass
from export_pipelines.definition.export import ExportDefinition, Limits
from export_pipelines.definition.output import Format
from export_pipelines.errors import DataError
from export_pipelines.mask.keys import Keys
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import WHOLE
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.plan.tables import field
from export_pipelines_tests.read.databases import Database, Sqlite

PERSONAL = PiiClass.DIRECT
DATASET = Dataset(
    name="leads",
    table="leads",
    window="at",
    order=("at", "lead_id"),
    fields=(
        field("lead_id", "id"),
        field("at", "timestamp"),
        field("word", "text", pii=PERSONAL),
        field("doc", "object", pii=PERSONAL),
        field("doc.name", "name", column="doc", path="name", pii=PERSONAL),
        field("doc.born", "dob", column="doc", path="born", pii=PERSONAL),
        field("doc.home.street", "street", column="doc", path="home.street", pii=PERSONAL),
        field("doc.home.ssn", "ssn", column="doc", path="home.ssn", pii=PiiClass.SENSITIVE),
    ),
)
CASES = {
    '{"name":"Jane","name":"Zoë"}': ("Zoë and Jane called", "*** and *** called"),
    '{"name":null,"name":"Quentin"}': ("quentin called", "*** called"),
    '{"name":"Jane", "n\\u0061me" : "Quentin"}': ("Quentin called", "*** called"),
    '{"n\\u0061me":"Jane","name":"Quentin","\\u006e\\u0061\\u006d\\u0065":"Zoë"}': (
        "Jane, Quentin, Zoë",
        "***, ***, ***",
    ),
    '{"home":{"street":"9 Oak Lane"},"home":{"street":"12 Quetzal Road"}}': (
        "at 12 quetzal road or 9 oak lane",
        "at *** or ***",
    ),
    '{"home":{"street":"9 Oak Lane","street":["12 Quetzal Road"]}}': ("at 12 Quetzal Road", "at ***"),
    '{"home":5,"home":{"street":"12 Quetzal Road"}}': ("at 12 Quetzal Road", "at ***"),
    '{"born":"1980-03-04","born":"1971-12-30"}': ("seen 30 Dec 1971", "seen ***"),
    '{"born":"1980-03-04","born":" 1971-12-30\\n"}': ("seen 30 Dec 1971", "seen ***"),
    '{"born":"1980-03-04","born":" "}': ("seen 30 Dec 1971", "seen 30 Dec 1971"),
    '{"home":{"ssn":"987-65-4321","ssn":"A-4711-B"}}': ("it is a-4711-b", "it is ***"),
    '{"home":{"ssn":null},"home":{"ssn":471147114}}': ("it is 471147114", "it is ***"),
    '{"name":"Jane"}': ("Zoë called", "Zoë called"),
    '{"name":"Jane","other":{"name":"Zoë"}}': ("Zoë called", "Zoë called"),
    '{"note":"\\u00e9","name":"Jane"}': ("Zoë called, Jane did not", "Zoë called, *** did not"),
    "[]": ("Zoë called", "Zoë called"),
}


def plan(database: Database, *fields: str, bad_json: str = "error") -> Plan:
    definition = ExportDefinition(
        name="texts",
        path=Path("exports/texts.yaml"),
        type="lead",
        format=Format(name="json"),
        fields=fields,
        privacy=dict.fromkeys(fields, "redact"),
        limits=Limits(),
        bad_json=bad_json,
    )
    return compile_plan(PlanRequest(definition, WHOLE, Catalog(datasets=(DATASET,)), database.dialect))


def masked(database: Database, plan: Plan) -> list[dict[str, Any]]:
    batches = open_source(database.url).read(plan.query)
    return [row for batch in batches for row in mask.apply(plan, batch, Keys.from_bytes()).frame.to_dicts()]


def test_no_value_of_a_key_that_stands_twice_goes_out_in_a_text(database: Database) -> None:
    database.fill(
        [{"lead_id": f"{n:02}", "doc": doc, "word": text} for n, (doc, (text, _)) in enumerate(CASES.items())]
    )
    rows = masked(database, plan(database, "word"))
    assert dict(zip(CASES, (row["word"] for row in rows), strict=True)) == {
        doc: text for doc, (_, text) in CASES.items()
    }


def test_nor_where_the_object_goes_out_beside_it(database: Database) -> None:
    doc = '{"name":"Jane","name":"Zoë","home":{"note":"Zoë or Jane"},"note":"zoe"}'
    database.fill([{"doc": doc, "word": "Zoë"}, {"doc": doc, "word": None}])
    shown = '{"name":"***","home":{"note":"*** or ***"},"note":"***"}'
    assert masked(database, plan(database, "word", "doc")) == [
        {"word": "***", "doc": shown},
        {"word": None, "doc": shown},
    ]


@pytest.mark.parametrize("born", ['"12/30/1971"', "62899200", '["1971-12-30"]', '"1971-02-30"'])
def test_a_birth_date_that_is_no_day_is_named(tmp_path: Path, born: str) -> None:
    database = Sqlite(tmp_path / "small.db")
    database.fill(
        [{"doc": "{}"}, {"doc": f'{{"born":"1980-03-04","born":{born}}}', "word": "seen 30 Dec 1971"}]
    )
    with pytest.raises(
        DataError, match=r"lead_id 1, doc \(whole\): a stored value .* is not a date"
    ) as caught:
        masked(database, plan(database, "word"))
    assert "1971" not in str(caught.value)


@pytest.mark.parametrize(
    "inner", ['"deep":' + "[" * 990 + "]" * 990, '"name":' + '{"a":' * 600 + "1" + "}" * 600]
)
def test_an_object_that_is_nested_too_deeply_is_named(tmp_path: Path, inner: str) -> None:
    database = Sqlite(tmp_path / "small.db")
    deep = f'{{"name":"Jane","name":"Zoë",{inner}}}'
    database.fill([{"doc": "{}", "word": "x"}, {"doc": deep, "word": "Zoë"}])
    with pytest.raises(DataError, match=r"lead_id 1, doc \(whole\): JSON that is nested too deeply"):
        masked(database, plan(database, "word"))


def test_an_object_without_such_keys_is_not_read(database: Database) -> None:
    database.fill([{"doc": '{"name":"Jane","note":"a name"}', "word": "Zoë"}])
    texts = plan(database, "word")
    (column,) = texts.masking.repeating
    (batch,) = open_source(database.url).read(texts.query)
    assert batch.column(column.column).null_count == 1


def test_json_that_does_not_parse_is_null_where_the_export_says_so(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "small.db")
    database.fill([{"doc": '{"name":"Jane","name":"Zoë"', "word": "Zoë"}])
    assert masked(database, plan(database, "word", bad_json="null")) == [{"word": "Zoë"}]
