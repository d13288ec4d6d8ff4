"""BigQuery, Snowflake, Redshift and Athena: a table with types, and the statement that loads files from their storage."""

import re
from collections.abc import Iterator

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Change, Loss, Script
from export_pipelines.recipes.sql import (
    Sum,
    Types,
    check,
    create_table,
    escaped_text,
    table_name,
    text,
    types_by,
)
from export_pipelines.recipes.table import TEXTS, Table, distinct_names, may_be_empty, may_be_null, named

PLACES = {"bigquery": "gs://BUCKET/PATH/", "redshift": "s3://BUCKET/PATH/", "athena": "s3://BUCKET/PATH/"}
REDSHIFT_BYTES, LONGEST_NAME = 65_535, 127
BIGQUERY_TYPES = {
    Kind.TEXT: "STRING",
    Kind.INTEGER: "INT64",
    Kind.NUMBER: "STRING",
    Kind.DECIMAL: "BIGNUMERIC",
    Kind.BOOLEAN: "BOOL",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.JSON: "STRING",
}
# a sum of INT64 is one, and a bare number with a point a double
BIGQUERY_SUMS = dict.fromkeys(
    (Kind.INTEGER, Kind.DECIMAL), Sum("SUM(CAST({} AS BIGNUMERIC))", "BIGNUMERIC '{}'")
)
SNOWFLAKE_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "NUMBER(19, 0)",
    Kind.NUMBER: "VARCHAR",
    Kind.DECIMAL: "NUMBER(38, {scale})",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP_TZ(3)",
    Kind.JSON: "VARCHAR",
}
ATHENA_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "string",
    Kind.DECIMAL: "decimal(38, {scale})",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp",
    Kind.JSON: "string",
}
ATHENA_SUMS = {  # a sum of bigint is one
    Kind.INTEGER: Sum("SUM(CAST({} AS DECIMAL(38, 0)))", "DECIMAL '{}'"),
    Kind.DECIMAL: Sum(number="DECIMAL '{}'"),
}
REDSHIFT_TYPES = SNOWFLAKE_TYPES | {
    Kind.INTEGER: "BIGINT",
    Kind.DECIMAL: "DECIMAL(38, {scale})",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
}


def bigquery(table: Table) -> Script:
    """Files of Cloud Storage; it reads gzip by itself."""
    is_parquet = table.form == "parquet"
    names = distinct_names(table) if is_parquet else plain_names(table)
    names = [name.replace("\\", "\\\\") for name in names]
    losses = tuple(_bigquery_losses(table))
    options = [
        (
            "uris",
            "["
            + ", ".join(
                escaped_text(PLACES["bigquery"] + table.read_as(file, "gzip")) for file in table.files
            )
            + "]",
        )
    ]
    if is_parquet:
        options.insert(0, ("format", "'PARQUET'"))
    else:
        options[:0] = [("format", "'CSV'"), ("skip_leading_rows", "1"), ("allow_quoted_newlines", "true")]
        options.append(("field_delimiter", escaped_text(table.delimiter)))
        if table.marker:
            options.append(("null_marker", escaped_text(table.marker)))
    listed = ",\n    ".join(f"{name} = {value}" for name, value in options)
    body = [
        create_table(table, names, types_by(BIGQUERY_TYPES), mark="`"),
        f"LOAD DATA INTO {table_name(table, '`')} FROM FILES (\n    {listed}\n);",
        check(table, names, losses, mark="`", sums=BIGQUERY_SUMS),
    ]
    return Script("\n".join(body), losses, table.unpackings("gzip"))


def _bigquery_losses(table: Table) -> Iterator[Loss]:
    if table.form == "parquet":
        yield from lost.same_names(table)
    if table.is_delimited and table.marker:
        yield from lost.marker_is_null(table, lost.PARQUET, always=True)
    elif table.is_delimited:
        columns = (column for column in table.columns if column.kind in TEXTS and may_be_null(column))
        yield from lost.loss(Change.NULL_IS_EMPTY, named(columns), f"{lost.MARKER}, or {lost.PARQUET}")


def snowflake(table: Table) -> Script:
    """Files that are put onto the table's own stage, in place of those of another artifact; it reads gzip and zstd by itself.
    A name without quotes would be one in capitals, whose stage is another's."""
    losses = _quotes_ignored(table)
    stage = text(f"@~/{table.name.replace('.', '/')}" if "." in table.name else f'@%"{table.name}"')
    form = "TYPE = PARQUET"
    if table.is_delimited:
        nulls = f"({escaped_text(table.marker)})" if table.marker else "()"
        codec = {"none": "NONE", "gzip": "GZIP", "zstd": "ZSTD", "zip": "NONE"}[table.codec]
        form = (
            f"TYPE = CSV COMPRESSION = {codec} SKIP_HEADER = 1 FIELD_DELIMITER = {escaped_text(table.delimiter)} "
            f"FIELD_OPTIONALLY_ENCLOSED_BY = '\"' ESCAPE_UNENCLOSED_FIELD = NONE NULL_IF = {nulls} "
            f"EMPTY_FIELD_AS_NULL = {'FALSE' if table.marker else 'TRUE'}"
        )
    files = [table.read_as(file, "gzip", "zstd") for file in table.files]
    match = " MATCH_BY_COLUMN_NAME = CASE_SENSITIVE" if table.form == "parquet" else ""
    names = [column.name for column in table.columns] if table.form == "parquet" else plain_names(table)
    body = [
        create_table(table, names, types_by(SNOWFLAKE_TYPES)),
        *(f"PUT 'file://{file}' {stage} AUTO_COMPRESS = FALSE OVERWRITE = TRUE;" for file in files),
        f"COPY INTO {table_name(table)} FROM {stage}\nFILES = ({', '.join(map(escaped_text, files))})\nFILE_FORMAT = ({form}){match};",
        check(table, names, losses),
    ]
    return Script("\n".join(body), losses, table.unpackings("gzip", "zstd"))


def redshift(table: Table) -> Script:
    """Files of S3; it reads gzip and zstd by itself, and the columns of Parquet in their order. A text has a greatest length in
    bytes there, which the manifest states."""
    names = distinct_names(table, LONGEST_NAME) if table.form == "parquet" else plain_names(table)
    losses = (*_quotes_ignored(table), *_empty(table))
    options = "FORMAT AS PARQUET"
    if table.is_delimited:
        codec = {"gzip": " GZIP", "zstd": " ZSTD"}.get(table.codec, "")
        nulls = f"NULL AS {text(table.marker)}" if table.marker else "EMPTYASNULL"
        options = (
            f"CSV IGNOREHEADER 1 DELIMITER {escaped_text(table.delimiter)}{codec} {nulls} "
            "TIMEFORMAT 'auto' DATEFORMAT 'auto'"
        )
    body = [create_table(table, names, _redshift_types(table))]
    for file in table.files:
        source = text(PLACES["redshift"] + table.read_as(file, "gzip", "zstd"))
        body.append(f"COPY {table_name(table)} FROM {source} IAM_ROLE default {options};")
    body.append(check(table, names, losses))
    return Script("\n".join(body), losses, table.unpackings("gzip", "zstd"))


def _redshift_types(table: Table) -> Types:
    """A text is as long as the longest of its column, and the sign that `spreadsheet_safe` may have put before it."""
    prefix = 1 if table.manifest.neutralised_cells else 0

    def type_of(column: ManifestColumn) -> str:
        if column.kind not in TEXTS:
            return types_by(REDSHIFT_TYPES)(column)
        stated = column.statistics
        if stated is None or column.kind is Kind.NUMBER:
            return f"VARCHAR({REDSHIFT_BYTES})"
        return f"VARCHAR({min((stated.longest_bytes or 1) + prefix, REDSHIFT_BYTES)})"

    return type_of


def athena(table: Table) -> Script:
    """A table over the files where they lie. Its readers of CSV break texts at line breaks, so only Parquet is loaded."""
    names = [name.lower() for name in distinct_names(table)]
    losses = lost.same_names(table)
    create = create_table(table, names, types_by(ATHENA_TYPES), mark="`", verb="CREATE EXTERNAL TABLE")
    place = f"LOCATION '{PLACES['athena']}'"
    body = [
        f"{create.removesuffix(';')}\nSTORED AS PARQUET\n{place};",
        check(table, names, losses, sums=ATHENA_SUMS),
    ]
    return Script("\n".join(body), losses)


def _quotes_ignored(table: Table) -> tuple[Loss, ...]:
    return (*lost.quoted_nulls(table), *lost.marker_is_null(table, lost.PARQUET, always=True))


def _empty(table: Table) -> tuple[Loss, ...]:
    if not table.is_delimited or table.marker or table.quotes_nulls:
        return ()
    return lost.loss(Change.EMPTY_IS_NULL, named(filter(may_be_empty, table.columns)), lost.MARKER)


def plain_names(table: Table) -> list[str]:
    """Names of letters, digits and `_`, which every warehouse takes."""
    names: list[str] = []
    for column in table.columns:
        name = re.sub(r"\W+", "_", column.name, flags=re.ASCII).strip("_") or "column"
        name = f"_{name}" if name[0].isdigit() else name
        taken = {other.casefold() for other in names}
        names.append(next(option for option in _options(name) if option.casefold() not in taken))
    return names


def _options(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in range(2, 100_000))
