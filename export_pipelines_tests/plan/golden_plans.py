"""The golden pairs x.yaml + x.sql. `python -m export_pipelines_tests.plan.golden_plans` writes the SQL anew, to be read."""

import json
from pathlib import Path

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definition
from export_pipelines.plan import Plan, PlanRequest, compile_plan
from export_pipelines.plan.plan import Window
from export_pipelines.plan.query.query import Reference
from export_pipelines.plan.window import WHOLE, window_between, window_of
from export_pipelines_tests.plan.leads import KEYS

FOLDER = Path(__file__).parent / "golden"
WINDOWS: dict[str, Window] = {
    "filter_block": window_between("2023-11-01", "2024-02-01"),
    "rules": window_between("2024-01-01T00:00:00.500Z", "2024-02-01"),
    "whole_history": WHOLE,
}
PARTITIONS = {"every_field": "2024-01-15", "few_columns": "2024-01-01", "masks": "2024-01-14"}


def golden_plan(path: Path) -> Plan:
    definition = load_definition(path, load_catalog(None))
    window = WINDOWS.get(path.stem) or window_of(definition, PARTITIONS[path.stem])
    return compile_plan(PlanRequest(definition, window, load_catalog(None), "sqlite", KEYS))


def golden_text(plan: Plan) -> str:
    query = plan.query
    private = [str(n) for n, parameter in enumerate(query.parameters) if isinstance(parameter, Reference)]
    columns, _, residual = query.sql.partition("\n")
    lines = [
        *(f"-- {text}" for text in plan.filter.text),
        *columns.replace('", ', '",\n  ').splitlines(),
        *residual.splitlines(),
        ";",
        *query.count_sql.splitlines(),
        ";",
        *(f"-- ? {json.dumps(value, ensure_ascii=False)}" for value in query.values),
        f"-- functions: {', '.join(query.functions) or 'none'}",
        f"-- private: {', '.join(private) or 'none'}",
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    for file in sorted(FOLDER.glob("*.yaml")):
        file.with_suffix(".sql").write_text(golden_text(golden_plan(file)), encoding="utf-8")
