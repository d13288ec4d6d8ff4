"""A masked value is found nowhere in the files of an event export: not in the snapshot, `custom`, `appended` or a text."""

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from export_pipelines.artifacts import open_store
from export_pipelines.definition.export import Compression, Format, Split
from export_pipelines.pipeline import run_export
from export_pipelines.sample import generate_leads
from export_pipelines.stream import Keys, open_source
from export_pipelines_tests.stream.readers import DECOMPRESS, READERS
from export_pipelines_tests.whole_run import DAY, NOW, plan_of, token

LEADS = 400
PRIVACY = {
    "email": "hash",
    "email_2": "tokenize",
    "phone_*": "mask",
    "first_name": "mask",
    "last_name": "remove",
    "address_1": "hash",
}
KEYS = Keys.from_bytes(b"h" * 32, b"m" * 32)


def person(n: int) -> dict[str, str]:
    """Values that stand nowhere by chance, some of them hard to find."""
    return {
        "email": f"Zé.Quux{n:05d}@Mail{n:05d}.example.com",
        "email_2": f"second+{n:05d}@wibble.example",
        "phone_1": f"(213) {200 + n * 7 % 800}-{n * 7919 % 10000:04d}",
        "phone_2": f"+1 415-{200 + n * 3 % 800}-{n * 6151 % 10000:04d}",
        "first_name": f"Jörgxq{n:05d}",
        "last_name": f'O"Zweig-{n:05d}ß',
        "address_1": f"{n:05d} Quetzal Lane",
    }


def nasty(values: dict[str, str], n: int) -> dict[str, Any]:
    """The same values as forms, integrations and people repeat them."""
    digits = "".join(sign for sign in values["phone_1"] if sign.isdigit())
    return {
        "contact": {"mail": values["email"].upper(), "tel": [digits, f"+1{digits}", int(digits)]},
        values["email_2"]: True,
        "note": f"call {values['first_name'].swapcase()} {values['last_name']} at {values['address_1'].lower()}",
        "prefill": f"https://x.example/?e={quote(values['email'])}&n={quote_plus(values['last_name'])}",
        "deep": [[{"who": values["last_name"]}], n],
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A day's events whose every lead is a person of its own, repeated wherever a lead store lets it stand."""
    file = tmp_path_factory.mktemp("source") / "leads.db"
    generate_leads(f"sqlite:///{file}", LEADS, 3, date.fromisoformat(DAY), 1, events=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        ids = [id for (id,) in connection.execute("SELECT lead_id FROM leads ORDER BY lead_id")]
        for n, id in enumerate(ids):
            values = person(n)
            ((text,),) = connection.execute(
                "SELECT lead FROM events WHERE lead_id = ? LIMIT 1", [id]
            ).fetchall()
            lead = json.loads(text) | values
            lead |= {
                "custom": lead["custom"] | nasty(values, n),
                "comments": f"{values['first_name']} says: write to {values['email']}, {values['phone_2']}",
                "landing_page": f"https://x.example/apply?mail={quote(values['email'])}",
                "undeclared": [values["email_2"], values["last_name"]],
            }
            cells = [
                json.dumps(lead, ensure_ascii=n % 2 == 0),
                json.dumps(nasty(values, n), ensure_ascii=n % 3 == 0),
                id,
            ]
            connection.execute("UPDATE events SET lead = ?, appended = ? WHERE lead_id = ?", cells)
    return f"sqlite:///{file}"


def written(url: str, form: str, folder: Path, privacy: dict[str, str] = PRIVACY) -> tuple[int, str]:
    """How many rows, and all that a reader of the file can see, in one text."""
    codec = "none" if form in ("xlsx", "parquet") else "gzip"
    whole = {"fields": "all", "split": Split(), "compression": Compression(codec=codec), "privacy": privacy}
    plan = plan_of(type="event", format=Format(name=form), keys=KEYS.names, **whole)
    store = open_store(str(folder / "store"))
    manifest = run_export(plan, open_source(url), store, KEYS, lambda: NOW, token(1))
    (part,) = manifest.parts
    with store.open(manifest.artifact, part.name) as file:
        data = DECOMPRESS[codec](file.read())
    assert plan.masking
    reader = next(iter(READERS[form].values()))
    cells = [
        str(cell) for row in reader(data, plan.masking.columns, folder) for cell in row if cell is not None
    ]
    raw = data.decode("utf-8", errors="replace")
    return manifest.rows, "\n".join([*cells, raw])


def spellings() -> set[str]:
    """Every value as it is, as JSON escapes it, and as a URL does, in lower case."""
    values = [value for n in range(LEADS) for value in person(n).values()]
    written = [spell(value) for value in values for spell in (str, json.dumps, quote, quote_plus)]
    return {text.strip('"').casefold() for text in written}


def phones() -> set[str]:
    people = (person(n) for n in range(LEADS))
    return {re.sub(r"\D", "", one[name])[-10:] for one in people for name in ("phone_1", "phone_2")}


def grep(patterns: set[str], text: str, folder: Path) -> list[str]:
    """The patterns that stand in the text; `grep` looks for thousands of them at once."""
    assert all(patterns)
    (folder / "patterns").write_text("\n".join(sorted(patterns)), encoding="utf-8")
    (folder / "text").write_text(text, encoding="utf-8")
    command = ["grep", "-a", "-o", "-F", "-f", str(folder / "patterns"), str(folder / "text")]
    found = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
    )
    assert found.returncode in (0, 1), found.stderr
    return sorted(set(found.stdout.splitlines()))


def test_without_masks_the_values_are_found(url: str, tmp_path: Path):
    _, text = written(url, "csv", tmp_path, {})
    assert len(grep(spellings(), text.casefold(), tmp_path)) > 5 * LEADS


@pytest.mark.parametrize("form", list(READERS))
def test_no_masked_value_of_any_lead_is_found(form: str, url: str, tmp_path: Path):
    rows, text = written(url, form, tmp_path)
    assert rows > 2 * LEADS
    assert grep(spellings(), text.casefold(), tmp_path) == []
    numbers = (re.sub(r"\D", "", number) for number in re.findall(r"\d(?:[ ()./-]*\d)+", text))
    assert grep(phones(), "\n".join(numbers), tmp_path) == []
    assert "Z***" not in text and "***" in text  # something was there to mask


def test_what_is_not_masked_is_all_there(url: str, tmp_path: Path):
    _, text = written(url, "ndjson", tmp_path)
    assert '"product_type":' in text and '"undeclared":' in text and "https://x.example/apply?***" in text
