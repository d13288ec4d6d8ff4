"""Tables of values that programs are known to change, drawn at random, and the artifacts that the program writes of them."""

import os
import random
import string
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from export_pipelines.artifacts import Manifest
from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.manifest_of_run import manifest_of
from export_pipelines.plan.plan import OutputColumn
from export_pipelines_tests.encode.tables import Row, batches_of, column, plan_of, written

ROWS = int(os.environ.get("RECIPE_ROWS", "200"))
SEED, PARTS = 21, 3
WORDS = (
    "plain", "", "", "é€🎉", "a,b;c|d", 'say "hi"', '"', "tab\there", "line\nfeed", "cr\rinside", "cr\r\nlf", "\n", "  blanks  ", "  ",
    "back\\slash\\", "\\", "\\N", "\\.", "a\n\\.\nb", "\\.\r\nb", "\\t", "NULL", "null", "None", "NA", "NaN", "#N/A", "true", "1E5", "007", "02769", "2024-01-15",
    "=1+1", "-1", "+1", "@x", "'single'", "'=1", "_x0041_", "{}", "$1", "%s", "?", "\x01", "\x7f", "\u00a0", "\u2028", "x" * 300,
)  # fmt: skip
OBJECTS = (
    '{"a": "x", "n": [1, 2.50]}', "{}", "[]", '{"long": 12345678901234567890.125}', '{"a":"b\\n\\"c\\\\"}', "[null, true, 1]",
    '{"é": {"deep": "\\u00e9,\\t"}}', '"text"', "17",
)  # fmt: skip
COLUMNS = (
    column("id", Kind.INTEGER, header="Id"),
    column("word", header='Word "quoted", 1', path=("texts", "word")),
    column("filled", path=("texts", "filled")),
    column("never_empty", path=("texts", "more", "never_empty")),
    column("person").model_copy(update={"pii": PiiClass.DIRECT}),
    column("amount", Kind.DECIMAL),
    column("rate", Kind.DECIMAL, scale=6, header="rate % it's \\"),
    column("big", Kind.INTEGER),
    column("number", Kind.NUMBER),
    column("at", Kind.TIMESTAMP, header="at (UTC)"),
    column("day", Kind.DATE),
    column("flag", Kind.BOOLEAN),
    column("extra", Kind.JSON),
)


@cache
def odd_rows(count: int = ROWS) -> list[Row]:
    """Rows of COLUMNS."""
    chance = random.Random(SEED)
    return [_row(chance, number) for number in range(count)]


def _row(chance: random.Random, number: int) -> Row:
    def sometimes(value: Any) -> Any:
        return None if chance.random() < 0.2 else value

    word = WORDS[number % len(WORDS)] if number < 3 * len(WORDS) else _word(chance)
    filled = chance.choice([word or "-", _word(chance) or "-"])
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        milliseconds=chance.randint(-2 * 10**12, 8 * 10**12)
    )
    return (
        number,
        sometimes(word),
        filled,
        sometimes(filled),
        sometimes(chance.choice(WORDS)),
        sometimes(
            Decimal(
                chance.choice([2500, -50, 0, 1234567890123456789, chance.randint(-(10**9), 10**9)])
            ).scaleb(-2)
        ),
        sometimes(Decimal(chance.randint(-(10**9), 10**9)).scaleb(-6)),
        sometimes(chance.choice([2**63 - 1, 1 - 2**63, 0, -1, chance.randint(-(2**62), 2**62)])),
        sometimes(
            chance.choice(["1.10", "7", "-0.05", "0.1000000000000000000001", str(chance.randint(0, 10**9))])
        ),
        sometimes(moment),
        sometimes(date(1900, 1, 1) + timedelta(days=chance.randint(-700, 140_000))),
        sometimes(chance.random() < 0.5),
        sometimes(chance.choice(OBJECTS)),
    )


def _word(chance: random.Random) -> str:
    letters = string.ascii_letters + ",;\"'\\\t\r\n =@é€🎉"
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, 8)))


def artifact_of(
    folder: Path,
    form: str,
    codec: str,
    options: dict[str, Any],
    columns: Sequence[OutputColumn] = COLUMNS,
    rows: Sequence[Row] | None = None,
) -> Manifest:
    """Writes the parts into `folder`, and gives the manifest of them."""
    rows = odd_rows() if rows is None else rows
    plan = plan_of(columns, form, codec, options=options, part_rows=len(rows) // PARTS + 1)
    result, parts = written(plan, batches_of(columns, rows, 64))
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    at = datetime(2024, 1, 16, tzinfo=UTC)
    manifest = manifest_of(plan, result, "odd/2024-01-15/x", at, None)
    return Manifest.from_json(manifest.to_json(), "here")
