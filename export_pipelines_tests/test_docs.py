"""The documents name every setting there is, and what they show loads."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from export_pipelines.alerts.rules import load_alerts
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.catalog.load import load_catalog
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.definition import load_definitions
from export_pipelines.definition.allowed import Allowed, load_allowed
from export_pipelines.definition.delivery import KINDS
from export_pipelines.definition.export import ExportType, MaskWord, Smart
from export_pipelines.definition.filters import Filter, Operator
from export_pipelines.definition.output import CODECS, FORMATS
from export_pipelines.definition.report import Over, TimeBasis
from export_pipelines.definition.written import REPORT_KEYS, WrittenExport
from export_pipelines.mask.own import own_of
from export_pipelines.mask.redact_columns import redactor
from export_pipelines_tests.conftest import DAILY, REPOSITORY
from export_pipelines_tests.plan.leads import columns

REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
PRIVACY = (REPOSITORY / "docs" / "privacy.md").read_text(encoding="utf-8")
DESTINATIONS = (REPOSITORY / "docs" / "destinations.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, title
    return section[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_destination_is_told(kind: str) -> None:
    text = section(DESTINATIONS, kind)
    names = {field.alias or name for name, field in KINDS[kind].model_fields.items()}
    assert {name for name in names if f"`{name}`" not in text and f"`{name}:" not in text} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_is_told_that_is_not_there(kind: str) -> None:
    rows = re.findall(r"^\| (`.+?`) \|", section(DESTINATIONS, kind), re.MULTILINE)
    names = {field.alias or name for name, field in KINDS[kind].model_fields.items()}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} - names == set()


def test_the_encryption_that_is_shown_loads(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(deliver:.*?)```", section(DESTINATIONS, "Encryption"), re.DOTALL)
    assert shown
    (tmp_path / "daily.yaml").write_text(DAILY.partition("deliver:")[0] + shown[1], encoding="utf-8")
    (definition,) = load_definitions(tmp_path, load_catalog(None)).definitions
    found = [entry.file_encryption for entry in definition.deliver]
    assert [one and one.method for one in found] == ["pgp", "age"]


def test_the_alerts_that_are_shown_load(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(alerts:.*?)```", DESTINATIONS, re.DOTALL)
    assert shown
    (tmp_path / "alerts.yaml").write_text(shown[1], encoding="utf-8")
    (rule,) = load_alerts(tmp_path / "alerts.yaml")
    assert rule.concerns("daily_lead_backup", "late")
    assert not rule.concerns("daily_lead_backup", "anomaly")


def test_the_list_of_what_exports_may_name_loads_and_shows_every_key(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n# allowed.yaml\n(.*?)```", DESTINATIONS, re.DOTALL)
    assert shown
    (tmp_path / "allowed.yaml").write_text(shown[1], encoding="utf-8")
    assert load_allowed(tmp_path / "allowed.yaml").model_fields_set == set(Allowed.model_fields)


def told_in(text: str, names: Iterable[str]) -> set[str]:
    """Those of `names` that `text` does not tell."""
    return {name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)}


REFERENCE_SECTIONS = {
    "fields": set(Smart.model_fields),
    "filter": {*Filter.model_fields, *Operator},
    "report": {*REPORT_KEYS, *get_args(Bucket), *get_args(Over), *get_args(TimeBasis)},
    "privacy": set(get_args(MaskWord)),
    "formats": {
        *FORMATS,
        *(
            field.alias or name
            for spec in FORMATS.values()
            for name, field in spec.options.model_fields.items()
        ),
    },
}


def test_every_key_of_an_export_is_told() -> None:
    before = REFERENCE.partition("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in before.splitlines() if line.startswith("| `"))
    keys = (field.alias or name for name, field in WrittenExport.model_fields.items())
    assert told_in(rows, keys) == set()
    assert told_in(before, [*CODECS, *get_args(ExportType)]) == set()


@pytest.mark.parametrize("title", REFERENCE_SECTIONS)
def test_every_word_of_a_key_is_told(title: str) -> None:
    assert told_in(section(REFERENCE, title), REFERENCE_SECTIONS[title]) == set()


# --- privacy -------------------------------------------------------------------------------------------------------


def rows_of(text: str, columns: int) -> list[list[str]]:
    """The cells of the tables of so many columns, without heads."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows if len(row) == columns]


def test_one_table_says_what_each_word_promises_and_what_it_cannot() -> None:
    rows = rows_of(PRIVACY.partition("\n## ")[0], 3)
    assert [word.strip("`") for word, _, _ in rows] == [
        "keep",
        "remove",
        "hash",
        "tokenize",
        "mask",
        "redact",
    ]
    assert {word.strip("`") for word, _, _ in rows} == set(get_args(MaskWord))
    assert all(promise and limit for _, promise, limit in rows)


def test_the_table_of_what_may_stand_together_is_that_of_the_catalog() -> None:
    shown = {}
    for names, hidden, masked in rows_of(section(PRIVACY, "What may stand together"), 3):
        parts = set(re.findall(r"`(\w+)`", hidden.partition(";")[0]))
        beside = {
            "the same": parts,
            "the same without `exchange`: a mask shows the line": parts - {"exchange"},
        }
        for name in re.findall(r"`(\w+)`", names):
            shown[name] = parts, beside.get(masked, set(re.findall(r"`(\w+)`", masked)))
    for name, semantic_type in SEMANTIC_TYPES.items():
        if semantic_type.components and name not in ("state", "range"):  # not personal in any shipped field
            allowed = tuple(
                {part for part in semantic_type.components if semantic_type.may_stand(part, mask)}
                for mask in (False, True)
            )
            assert shown.pop(name) == allowed, name
    assert shown == {}


def test_every_type_that_people_type_is_named() -> None:
    types = {semantic_type.name for semantic_type in SEMANTIC_TYPES.values() if semantic_type.open}
    for text in (PRIVACY.partition("\n| word")[0], section(REFERENCE, "privacy")):
        assert told_in(text, types) == set()


def test_the_words_that_are_shown_compile(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(privacy:.*?)```", PRIVACY, re.DOTALL)
    assert shown
    by_id = columns(tmp_path, f"fields: [email, phone_1, custom, first_name, comments]\n{shown[1]}")
    assert [column.mask for column in by_id.values()] == ["hash", "mask", None, "redact", None]
    assert {seal.mask for seal in by_id["custom"].seals if seal.path == "*"} == {"redact"}


OWN = own_of((("name", "William"), ("name", "King"), ("street", "12 Main Street"), ("dob", "1980-03-04")))


@pytest.mark.parametrize(
    "text",
    [
        "Bill", "Mr Smith", "14 Elm Road", "12 Main St", "jane at example dot com", "five one two five five five",
        "5a1b2c3d4e5f6g7", "555-014", "kingdom", "4 mar 80", "65a46c800000000000000001", "550e8400-e29b-41d4-a716-446655440000", "amFuZUBleGFtcGxlLmNvbQ==",
    ],
)  # fmt: skip
def test_what_redact_does_not_find_is_what_the_table_says(text: str) -> None:
    assert redactor("text")(text, OWN) == text


@pytest.mark.parametrize(
    "text",
    [
        "1234567", "2024-01-15", "1,234,567.50", "192.168.100.200", "King", "KİNG", "512_555-0142",
        "(512) 555 . 0142", "jane @ example.com", "jane%40example.com", "jane&#64;example.com",
        "jane\\u0040example.com", "Main Street", "12 main street", "March 4, 1980", "04.03.1980", "123-45-6789",
    ],
)  # fmt: skip
def test_what_redact_takes_away_is_what_the_table_says(text: str) -> None:
    assert "***" in redactor("text")(f"so {text} it is", OWN)


def test_what_a_url_keeps_is_what_the_text_says() -> None:
    url = "https://me:pw@shop.example:8080/a/King/5125550142?utm_source=ad&email=jane@example.com&utm_term=King#top"
    assert (
        redactor("url", ("utm_*",))(url, OWN)
        == "https://shop.example:8080/a/***/***?utm_source=ad&utm_term=***"
    )
