"""The search over what was exported: it finds every spelling of a value, and nobody where nobody is."""

import ast
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from export_pipelines_tests.privacy.people import Person
from export_pipelines_tests.privacy.runs import searched
from export_pipelines_tests.privacy.spellings import CARRIERS, SPELLINGS


def test_the_searcher_shares_nothing_with_the_program() -> None:
    nodes = [
        node
        for file in Path(__file__).with_name("searcher").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    ]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    assert {node.level for node in nodes if isinstance(node, ast.ImportFrom)} == {0, 1}
    assert {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names) == {
        "duckdb",
        "openpyxl",
        "zstandard",
    }


def test_the_searcher_finds_every_spelling(tmp_path: Path) -> None:
    assert len(SPELLINGS) >= 60
    with (tmp_path / "spellings.ndjson").open("w", encoding="utf-8") as file:
        for number, spelling in enumerate(SPELLINGS):
            for n, carrier in enumerate(CARRIERS):
                text = carrier.format(spelling.write(Person(n)))
                file.write(json.dumps({"lead_id": f"{number}.{n}", "text": text, "in": [{"a": text}]}) + "\n")
    hits = searched(tmp_path).hits
    seen = {(hit["row"], hit["path"], hit["kind"]) for hit in hits}
    places = ("text", "in[].a")
    missing = [
        (spelling.name, place)
        for number, spelling in enumerate(SPELLINGS)
        for n in range(len(CARRIERS))
        for place in places
        if (f"{number}.{n}", place, spelling.kind) not in seen
    ]
    assert missing == []


def test_the_searcher_takes_a_moment_of_dagsters_clock_for_nobody(tmp_path: Path) -> None:
    records = (
        '{"timestamp": 1795987365.126}',
        '{"event": {"timestamp": 1818234501.2}}',
        '{"timestamp": 987365126}',
        '{"timestamp": "1795987365.126 of 987365126"}',
        '{"timestamp": 8182365126.5}',
        '{"moment": 1795987365.126}',
        "1795987365.126",
    )
    with closing(sqlite3.connect(tmp_path / "events.db")) as connection, connection:
        connection.execute("CREATE TABLE event_logs (event TEXT, timestamp TIMESTAMP)")
        connection.executemany("INSERT INTO event_logs (event) VALUES (?)", [(text,) for text in records])
    (tmp_path / "events.json").write_text(f"[{records[0]}]", encoding="utf-8")
    values = [hit["value"] for hit in searched(tmp_path).hits]
    assert values == [
        "987365126",
        "1795987365.126 of 987365126",
        "8182365126.5",
        "1795987365.126",
        "1795987365.126",
        "1795987365.126",
    ]
