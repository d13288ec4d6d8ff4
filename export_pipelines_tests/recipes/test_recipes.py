"""What every recipe says, those too that no test can run: they are read by a parser of their language."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from jinja2 import Environment
from sqlglot import exp

from export_pipelines.artifacts import Manifest
from export_pipelines.catalog import Kind
from export_pipelines.errors import RequestError
from export_pipelines.recipes import READERS, Change, Table, recipe_for
from export_pipelines.recipes.stored import default_name
from export_pipelines_tests.encode.tables import column
from export_pipelines_tests.recipes.odd_tables import COLUMNS, artifact_of, odd_rows

DIALECTS = {
    "postgresql": "postgres", "mariadb": "mysql", "duckdb": "duckdb", "clickhouse": "clickhouse", "bigquery": "bigquery",
    "snowflake": "snowflake", "redshift": "redshift", "athena": "athena",
}  # fmt: skip
SENT = {"PUT", "LOAD"}  # statements that the parser takes as they are
CASES = [(name, form) for name, reader in READERS.items() for form in reader.forms]
# what the parser reads of each type, so that a misspelt one shows
TYPES: dict[str, dict[Kind, str]] = {
    "bigquery": {
        Kind.TEXT: "TEXT", Kind.INTEGER: "BIGINT", Kind.NUMBER: "TEXT", Kind.DECIMAL: "BIGDECIMAL", Kind.BOOLEAN: "BOOLEAN",
        Kind.DATE: "DATE", Kind.TIMESTAMP: "TIMESTAMPTZ", Kind.JSON: "TEXT",
    },
    "snowflake": {
        Kind.TEXT: "VARCHAR", Kind.INTEGER: "DECIMAL", Kind.NUMBER: "VARCHAR", Kind.DECIMAL: "DECIMAL", Kind.BOOLEAN: "BOOLEAN",
        Kind.DATE: "DATE", Kind.TIMESTAMP: "TIMESTAMPTZ", Kind.JSON: "VARCHAR",
    },
    "redshift": {
        Kind.TEXT: "VARCHAR", Kind.INTEGER: "BIGINT", Kind.NUMBER: "VARCHAR", Kind.DECIMAL: "DECIMAL", Kind.BOOLEAN: "BOOLEAN",
        Kind.DATE: "DATE", Kind.TIMESTAMP: "TIMESTAMPTZ", Kind.JSON: "VARCHAR",
    },
    "athena": {
        Kind.TEXT: "TEXT", Kind.INTEGER: "BIGINT", Kind.NUMBER: "TEXT", Kind.DECIMAL: "DECIMAL", Kind.BOOLEAN: "BOOLEAN",
        Kind.DATE: "DATE", Kind.TIMESTAMP: "TIMESTAMP", Kind.JSON: "TEXT",
    },
}  # fmt: skip


def manifest(folder: Path, form: str, codec: str = "none", **options: Any) -> Manifest:
    if form == "tsv, escaped":
        options["escape"] = "backslash"
    return artifact_of(folder, form.split(",")[0], codec, options, rows=odd_rows(30))


@pytest.mark.parametrize(("name", "form"), CASES, ids=lambda value: value)
def test_a_recipe_begins_with_what_is_lost_and_names_every_file(name: str, form: str, tmp_path: Path) -> None:
    table = Table(manifest(tmp_path, form), "sales.leads")
    recipe = recipe_for(table, name)
    first, *_ = lines = recipe.text.splitlines()
    mark = READERS[name].comment
    assert first.startswith(f"{mark} LOSES: " if recipe.losses else f"{mark} Loses nothing")
    assert sum(line.startswith(f"{mark} LOSES: ") for line in lines) == len(recipe.losses)
    if name not in ("dbt", "athena"):  # of a table that is loaded, and of a folder
        assert all(file in recipe.text for file in table.files)
    assert ("Not run" in recipe.text) == bool(READERS[name].checked)
    assert recipe.text.endswith("\n")


def statements(name: str, text: str) -> list[exp.Expr]:
    """The statements of a recipe, without the commands of a shell."""
    sql = "\n".join(
        line for line in text.splitlines() if not line.startswith("\\") and "SHOW WARNINGS" not in line
    )
    texts = (
        sql.split(";\n") if name == "athena" else [sql]
    )  # whose tables are of Hive, and whose queries are of Trino
    parsed = [
        sqlglot.parse(text, read=DIALECTS[name], error_level=sqlglot.ErrorLevel.RAISE) for text in texts
    ]
    return [statement for some in parsed for statement in some if statement is not None]


@pytest.mark.parametrize(
    ("name", "form"), [case for case in CASES if case[0] in TYPES], ids=lambda value: value
)
def test_a_parser_reads_the_statements_of_warehouses(name: str, form: str, tmp_path: Path) -> None:
    table = Table(manifest(tmp_path, form, "zstd" if form == "parquet" else "gzip"), "sales.leads")
    create, *others = statements(name, recipe_for(table, name).text)
    assert isinstance(create, exp.Create)
    types = [definition.kind.this.name for definition in create.find_all(exp.ColumnDef) if definition.kind]
    assert types == [TYPES[name][column.kind] for column in COLUMNS]
    scales = [str(definition.kind) for definition in create.find_all(exp.ColumnDef)][5:7]
    assert name == "bigquery" or [re.findall(r"\d+", scale)[-1] for scale in scales] == ["2", "6"]
    commands = [statement for statement in others if isinstance(statement, exp.Command)]
    assert {str(command.this).upper() for command in commands} <= SENT
    assert isinstance(others[-1], exp.Union)  # the check
    assert (
        any(isinstance(statement, exp.Copy | exp.Command | exp.LoadData) for statement in others)
        or name == "athena"
    )


def test_dbt_has_types_tests_and_a_model(tmp_path: Path) -> None:
    columns = [*COLUMNS, column("braces", header="{{ 1 / 0 }} END")]
    rows = [(*row, "x") for row in odd_rows(30)]
    table = Table(artifact_of(tmp_path, "csv", "none", {}, columns, rows), "sales.leads")
    lines = recipe_for(table, "dbt").text
    files = dict(re.findall(r"^cat > (\S+) <<'END_'\n(.*?)\nEND_$", lines, re.MULTILINE | re.DOTALL))
    assert list(files) == ["models/exports_leads.yml", "models/stg_leads.sql", "tests/check_leads.sql"]
    (source,) = yaml.safe_load(files["models/exports_leads.yml"])["sources"]
    assert (source["name"], source["schema"]) == ("exports", "sales")
    described = {item["name"]: item for item in source["tables"][0]["columns"]}
    assert described["Id"] == {"name": "Id", "quote": True, "data_type": "bigint", "data_tests": ["not_null"]}
    assert described["amount"]["data_type"] == "numeric(38, 2)" and "data_tests" not in described["amount"]
    words = {"source": lambda *names: ".".join(names), "ref": str}
    model, test = (Environment().from_string(files[name]).render(words) for name in list(files)[1:])
    parsed = sqlglot.parse_one(model, read="postgres")
    assert [item.name for item in parsed.find_all(exp.Column)] == [column.header for column in columns]
    assert [table.sql() for table in parsed.find_all(exp.Table)] == ["exports.leads"]
    assert "FROM stg_leads)" in test and f"<> {len(rows)}" in test


def test_an_unknown_reader_is_told_with_all_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="unknown reader") as error:
        recipe_for(Table(manifest(tmp_path, "csv"), "leads"), "postgres")
    assert 'did you mean "postgresql"?' in str(error.value) and ", ".join(READERS) in str(error.value)


def test_a_format_without_a_recipe_is_told_with_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match="MariaDB 10.11 has no recipe for parquet .*one of: csv; tsv; tsv, escaped"
    ):
        recipe_for(Table(manifest(tmp_path, "parquet"), "leads"), "mariadb")


@pytest.mark.parametrize("name", ["", "a b", "1a", "a;DROP TABLE x", "a.b.c.d", "ä", 'a"'])
def test_a_name_that_a_table_cannot_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is no name of a table"):
        Table(manifest(tmp_path, "csv"), name)


def test_an_artifact_without_a_file_has_no_recipe(tmp_path: Path) -> None:
    empty = manifest(tmp_path, "csv").model_copy(update={"parts": ()})
    with pytest.raises(RequestError, match="the artifact has no file"):
        recipe_for(Table(empty, "leads"), "duckdb")


@pytest.mark.parametrize(
    ("export", "name"), [("daily_leads", "daily_leads"), ("a-b.c", "a_b_c"), ("2024", "_2024")]
)
def test_a_table_is_named_after_its_export(export: str, name: str, tmp_path: Path) -> None:
    assert default_name(manifest(tmp_path, "csv").model_copy(update={"export": export})) == name


def test_what_the_manifest_rules_out_is_not_announced(tmp_path: Path) -> None:
    columns = [column("a"), column("b")]
    for rows, lost in (
        ([("x", "y"), (None, "z")], set()),
        ([("x", "")], set()),  # of a column without nulls, an empty cell is the empty text
        ([("x", ""), ("y", None)], {("b",)}),
    ):
        table = Table(artifact_of(tmp_path, "csv", "none", {}, columns, rows), "t")
        losses = recipe_for(table, "mariadb").losses
        assert {loss.columns for loss in losses if loss.change is Change.EMPTY_IS_NULL} == lost


def test_a_manifest_of_an_earlier_release_rules_nothing_out(tmp_path: Path) -> None:
    stored = manifest(tmp_path, "csv")
    earlier = stored.model_copy(
        update={"columns": tuple(item.model_copy(update={"statistics": None}) for item in stored.columns)}
    )
    (empty, _) = recipe_for(Table(earlier, "t"), "mariadb").losses
    texts = tuple(item.header for item in COLUMNS if item.kind is Kind.TEXT)
    assert (empty.change, empty.columns) == (Change.EMPTY_IS_NULL, texts)
    assert "sum of" not in recipe_for(Table(earlier, "t"), "duckdb").text


def test_names_that_a_database_would_cut_or_mix_up_are_told_apart(tmp_path: Path) -> None:
    columns = [
        column("a", header="x" * 70),
        column("b", header="x" * 71),
        column("c", header="Id"),
        column("d", header="ID"),
    ]
    table = Table(artifact_of(tmp_path, "csv", "none", {}, columns, [("1", "2", "3", "4")]), "t")
    postgresql, mariadb = (recipe_for(table, name).text for name in ("postgresql", "mariadb"))
    assert (
        f'"{"x" * 63}" text' in postgresql
        and f'"{"x" * 61}_2" text' in postgresql
        and "MATCH" not in postgresql
    )
    assert '"Id" text' in postgresql and '"ID" text' in postgresql
    assert "`Id` LONGTEXT" in mariadb and "`ID_2` LONGTEXT" in mariadb


@pytest.mark.parametrize("name", ["bigquery", "athena", "redshift", "snowflake"])
def test_columns_of_parquet_that_differ_in_case_alone_are_told_apart_or_announced(
    name: str, tmp_path: Path
) -> None:
    columns = [column("a", header="Id"), column("b", header="other"), column("c", header="ID")]
    table = Table(artifact_of(tmp_path, "parquet", "none", {}, columns, [("1", "2", "3")]), "t")
    recipe = recipe_for(table, name)
    create, *_ = statements(name, recipe.text)
    names = [definition.name for definition in create.find_all(exp.ColumnDef)]
    assert len(set(names if name == "snowflake" else map(str.casefold, names))) == 3
    by_name = name in ("bigquery", "athena")
    assert [loss.columns for loss in recipe.losses] == ([("Id", "ID")] if by_name else [])


def test_a_name_cannot_leave_its_comment_or_its_marks(tmp_path: Path) -> None:
    evil = "x\n; DROP TABLE t; --\"'`"
    table = Table(artifact_of(tmp_path, "csv", "none", {}, [column("a", header=evil)], [("",), (None,)]), "t")
    for name in ("bigquery", "redshift", "snowflake", "clickhouse", "duckdb"):
        for statement in statements(name, recipe_for(table, name).text):
            assert not isinstance(statement, exp.Drop)


def test_a_sealed_artifact_is_read_as_it_is_delivered(tmp_path: Path) -> None:
    stored = manifest(tmp_path, "csv")
    sealed = stored.model_copy(
        update={"parts": tuple(part.model_copy(update={"sealed_sha256": "a" * 64}) for part in stored.parts)}
    )
    assert "The files are sealed in the store" in recipe_for(Table(sealed, "t"), "duckdb").text
    assert "sealed" not in recipe_for(Table(stored, "t"), "duckdb").text


@pytest.mark.parametrize(("options", "length"), [({}, 3), ({"spreadsheet_safe": True}, 4)], ids=str)
def test_a_text_of_redshift_is_as_long_as_the_longest(
    options: dict[str, Any], length: int, tmp_path: Path
) -> None:
    table = Table(
        artifact_of(tmp_path, "csv", "none", options, [column("a"), column("b")], [("=é", None)]), "t"
    )
    text = recipe_for(table, "redshift").text
    assert f'"a" VARCHAR({length})' in text and f'"b" VARCHAR({length - 2})' in text


@pytest.mark.parametrize(
    ("name", "sums", "numbers"),
    [
        (
            "clickhouse",
            ('SUM(toInt128("big"))', 'SUM(toDecimal256("amount", 2))'),
            ("toInt128('{}')", "toDecimal256('{}', 2)"),
        ),
        (
            "bigquery",
            ("SUM(CAST(`big` AS BIGNUMERIC))", "SUM(CAST(`amount` AS BIGNUMERIC))"),
            ("BIGNUMERIC '{}'",) * 2,
        ),
        ("athena", ('SUM(CAST("big" AS DECIMAL(38, 0)))', 'SUM("amount")'), ("DECIMAL '{}'",) * 2),
    ],
)
def test_sums_beyond_64_bits_are_compared_exactly(
    name: str, sums: tuple[str, str], numbers: tuple[str, str], tmp_path: Path
) -> None:
    columns = [column("big", Kind.INTEGER), column("amount", Kind.DECIMAL, 2)]
    rows = [(2**63 - 1, Decimal("9" * 20 + ".01"))] * 3
    table = Table(artifact_of(tmp_path, "parquet", "none", {}, columns, rows), "t")
    text = recipe_for(table, name).text
    assert all(f"{sum} AS m" in text for sum in sums)
    stated = (3 * (2**63 - 1), 3 * Decimal("9" * 20 + ".01"))
    assert all(f"<> {number.format(sum)}" in text for number, sum in zip(numbers, stated, strict=True))


def test_a_sum_that_no_database_keeps_is_not_compared(tmp_path: Path) -> None:
    rows = [(Decimal("9" * 38),)] * 3
    table = Table(artifact_of(tmp_path, "parquet", "none", {}, [column("a", Kind.DECIMAL, 0)], rows), "t")
    text = recipe_for(table, "duckdb").text
    assert "nulls of a" in text and "sum of a" not in text


@pytest.mark.parametrize(("name", "is_of_part"), [("excel", False), ("libreoffice", True)])
def test_rows_beyond_a_sheet_are_announced(name: str, is_of_part: bool, tmp_path: Path) -> None:
    """Of one query of all files, and of the workbook of each file."""
    stored = manifest(tmp_path, "csv")
    for rows, is_lost in ((1_048_575, False), (1_048_576, True)):
        first, *others = stored.parts
        parts = (first.model_copy(update={"rows": rows}), *others)
        beside = {"parts": parts} if is_of_part else {"rows": rows}
        recipe = recipe_for(Table(stored.model_copy(update=beside), "t"), name)
        assert (Change.ROWS_LEFT_OUT in {loss.change for loss in recipe.losses}) == is_lost
        assert "Limit: " in recipe.text and "1,048,576 rows" in recipe.text


@pytest.mark.parametrize(("name", "stage"), [("leads", '@%"leads"'), ("sales.leads", "@~/sales/leads")])
def test_files_for_snowflake_go_to_the_stage_of_their_table_alone(
    name: str, stage: str, tmp_path: Path
) -> None:
    """Its name stands in quotes, as the table's does, and what was there before is replaced."""
    lines = recipe_for(Table(manifest(tmp_path, "csv"), name), "snowflake").text.splitlines()
    puts = [line for line in lines if line.startswith("PUT ")]
    assert puts and all(line.endswith(f"'{stage}' AUTO_COMPRESS = FALSE OVERWRITE = TRUE;") for line in puts)
    assert any(line.startswith("COPY INTO ") and line.endswith(f" FROM '{stage}'") for line in lines)
