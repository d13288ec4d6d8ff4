"""Each recipe, run as it is printed in a fresh place: every value arrives, or is lost as the recipe announced, and only then.

RECIPE_ROWS=5000 loads so many rows instead of 200; RECIPE_READERS=all runs those too that need `.[readers]` or Debian's packages. With
RECIPE_RESULTS the outcome of each file is written there, see `readers/recipes.py`."""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.recipes import READERS, Change, Table, recipe_for
from export_pipelines_tests.encode.tables import column
from export_pipelines_tests.recipes.cases import NOT_RUN, cases
from export_pipelines_tests.recipes.compare import COUNTED, require_announced
from export_pipelines_tests.recipes.odd_tables import COLUMNS, artifact_of, odd_rows
from export_pipelines_tests.recipes.programs import PROGRAMS, Program

RUN = dict(PROGRAMS)
if os.environ.get("RECIPE_READERS") == "all":
    from export_pipelines_tests.recipes.more_programs import MORE

    RUN |= MORE
LOADING = [name for name in RUN if name != "dbt"]  # which asks a table that another has loaded
CASES = [
    pytest.param(name, form, codec, options, id=f"{name} {form} {codec} {' '.join(options)}".strip())
    for name in RUN
    for form, codec, options in cases(name)
    if (name, form) not in NOT_RUN
]
ALONE = [column("alone")]
SUMMING = ("postgresql", "mariadb", "duckdb", "clickhouse", "polars", "pandas", "pyarrow")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tables() -> Iterator[str]:
    return NAMES


NAMES = (f"odd_{number}" for number in range(10**6))


def url_of(program: Program, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(program.server)) if program.server else ""


@pytest.mark.parametrize(("name", "form", "codec", "options"), CASES)
def test_every_value_arrives_or_is_lost_as_announced(
    name: str,
    form: str,
    codec: str,
    options: dict[str, Any],
    folder: Path,
    tables: Iterator[str],
    request: pytest.FixtureRequest,
) -> None:
    manifest = artifact_of(folder, form.split(",")[0], codec, options)
    table = Table(manifest, next(tables))
    assert table.form == form
    recipe = recipe_for(table, name)
    assert len(manifest.parts) == 3
    loaded = RUN[name].load(recipe, table, folder, url_of(RUN[name], request))
    in_order = sorted(loaded, key=lambda row: row[0])
    changes = require_announced(COLUMNS, odd_rows(), in_order, recipe.losses, table.marker)
    if results := os.environ.get("RECIPE_RESULTS"):
        outcome = {
            "reader": name,
            "form": form,
            "codec": codec,
            "options": options,
            "changes": sorted(changes),
        }
        with Path(results).open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")


LONG = [
    pytest.param(name, form, text, pii, id=f"{name} {form} {len(text) // 10**6} MB {pii}")
    for name in LOADING
    for form, text, pii in (
        ("csv", '"' * 1_500_000, PiiClass.NONE),
        ("csv", "é" * 1_500_000, PiiClass.DIRECT),
        ("ndjson", "\x01" * 1_000_000, PiiClass.NONE),
        ("ndjson", "\x01" * 6_000_000, PiiClass.NONE),
        ("json", "\x01" * 6_000_000, PiiClass.NONE),
    )
    if form in READERS[name].forms and (name == "duckdb" or len(text) < 5 * 10**6) and name != "libreoffice"
]


@pytest.mark.parametrize(("name", "form", "text", "pii"), LONG)
def test_a_long_text_arrives(
    name: str,
    form: str,
    text: str,
    pii: PiiClass,
    folder: Path,
    tables: Iterator[str],
    request: pytest.FixtureRequest,
) -> None:
    columns = [column("id", Kind.INTEGER), column("text").model_copy(update={"pii": pii})]
    rows = [(0, "x"), (1, text), (2, "y")]
    table = Table(artifact_of(folder, form, "none", {}, columns, rows), next(tables))
    loaded = RUN[name].load(recipe_for(table, name), table, folder, url_of(RUN[name], request))
    assert [(int(id), read == text or read) for id, read in loaded] == [(0, "x"), (1, True), (2, "y")]


@pytest.mark.parametrize("name", LOADING)
def test_a_text_beyond_a_cell_arrives_or_is_cut_as_announced(
    name: str, folder: Path, tables: Iterator[str], request: pytest.FixtureRequest
) -> None:
    columns = [column("id"), column("fits"), column("beyond")]
    rows = [("0", "x" * 32_767, "y" * 32_768), ("1", "é" * 16_383, "🎉" * 16_384), ("2", "", "z")]
    table = Table(artifact_of(folder, "csv", "none", {}, columns, rows), next(tables))
    recipe = recipe_for(table, name)
    loaded = sorted(RUN[name].load(recipe, table, folder, url_of(RUN[name], request)))
    announced = [loss for loss in recipe.losses if loss.change is Change.CUT]
    assert [loss.columns for loss in announced] == ([("beyond",)] if name == "libreoffice" else [])
    require_announced(columns[2:], [row[2:] for row in rows], [row[2:] for row in loaded], announced, "")
    assert [row[1] for row in loaded[:2]] == [row[1] for row in rows[:2]]


NAMED = [
    pytest.param(name, form, options, id=f"{name} {form} {' '.join(options)}".strip())
    for name in LOADING
    for form, options in (("csv", {}), ("csv", {"spreadsheet_safe": True}), ("ndjson", {}), ("parquet", {}))
    if form in READERS[name].forms
]


@pytest.mark.parametrize(("name", "form", "options"), NAMED)
def test_names_that_differ_in_case_alone_or_that_a_spreadsheet_would_run(
    name: str,
    form: str,
    options: dict[str, Any],
    folder: Path,
    tables: Iterator[str],
    request: pytest.FixtureRequest,
) -> None:
    columns = [
        column(f"c{place}", kind, header=header, path=(header,))
        for place, (kind, header) in enumerate(
            [(Kind.TEXT, "Id"), (Kind.TEXT, "ID"), (Kind.TEXT, "=id"), (Kind.INTEGER, "id")]
        )
    ]
    rows = [(f"{n}", f"b{n}", f"c{n}", n) for n in range(7)]
    table = Table(artifact_of(folder, form, "none", options, columns, rows), next(tables))
    recipe = recipe_for(table, name)
    loaded = RUN[name].load(recipe, table, folder, url_of(RUN[name], request))
    require_announced(columns, rows, sorted(loaded), (), table.marker)


@pytest.mark.parametrize("name", [name for name in RUN if name in SUMMING])
@pytest.mark.parametrize("id", ["amount", "big"])
def test_a_check_tells_a_sum_that_is_not_the_manifests(
    name: str, id: str, folder: Path, tables: Iterator[str], request: pytest.FixtureRequest
) -> None:
    columns = [column("id"), column("amount", Kind.DECIMAL, 2), column("big", Kind.INTEGER)]
    rows = [(str(n), Decimal("0.1") * n, n) for n in range(5)]
    manifest = artifact_of(folder, "csv", "none", {}, columns, rows)
    stated = {"amount": "1.01", "big": "11"}
    others = [
        item.model_copy(update={"statistics": item.statistics.model_copy(update={"sum": stated[id]})})
        if item.id == id and item.statistics
        else item
        for item in manifest.columns
    ]
    table = Table(manifest.model_copy(update={"columns": tuple(others)}), next(tables))
    with pytest.raises(AssertionError):
        RUN[name].load(recipe_for(table, name), table, folder, url_of(RUN[name], request))
    table = Table(manifest, next(tables))
    assert RUN[name].load(recipe_for(table, name), table, folder, url_of(RUN[name], request))


@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize(
    "rows", [[], [(None,), ("",), ("  ",), ("\\.",), ("a",), ("b",)]], ids=["no row", "one column"]
)
def test_a_table_of_one_column_and_one_without_rows(
    name: str,
    rows: list[tuple[str | None]],
    folder: Path,
    tables: Iterator[str],
    request: pytest.FixtureRequest,
) -> None:
    if name == "libreoffice":
        rows = rows[3:]  # a sheet does not tell of empty rows at its end
    table = Table(artifact_of(folder, "csv", "none", {}, ALONE, rows), next(tables))
    recipe = recipe_for(table, name)
    loaded = RUN[name].load(recipe, table, folder, url_of(RUN[name], request))
    in_order = sorted(loaded, key=lambda row: row[0] or "")
    losses = [loss for loss in recipe.losses if rows and loss.change in COUNTED]
    require_announced(ALONE, rows, in_order, losses, table.marker)


@pytest.mark.parametrize("name", RUN)
def test_a_text_with_nul_arrives_or_is_within_a_limit(
    name: str, folder: Path, tables: Iterator[str], request: pytest.FixtureRequest
) -> None:
    rows = [("0", "a\x00b"), ("1", "c")]  # and a column whose name a check might give to what it measures
    table = Table(artifact_of(folder, "csv", "none", {}, [column("m"), *ALONE], rows), next(tables))
    recipe = recipe_for(table, name)
    limit = READERS[name].limit
    assert f" Limit: {limit}\n" in recipe.text or not limit
    if "refused" in limit:
        with pytest.raises(AssertionError, match="invalid byte sequence"):
            RUN[name].load(recipe, table, folder, url_of(RUN[name], request))
        return
    texts = [row[1] for row in sorted(RUN[name].load(recipe, table, folder, url_of(RUN[name], request)))]
    text = "a" if "ends at" in limit else "ab" if "left out" in limit else "a\x00b"
    assert texts == [text, "c"]
