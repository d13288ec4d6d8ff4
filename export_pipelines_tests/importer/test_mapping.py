"""The mapping of a CSV file: YAML or words of the command line, with every fault named by its line."""

from pathlib import Path

import pytest

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.mapping import Target, load_mapping, mapping_of

PROJECT = Path(__file__).parents[2]


def test_the_shipped_example_can_be_read() -> None:
    mapping = load_mapping(PROJECT / "examples" / "cfpb_mapping.yaml")
    assert mapping.columns["Date received"] == Target("submitted_at")
    assert mapping.columns["Date sent to company"] == Target(
        "custom.date_sent_to_company", type="date", pii="none"
    )
    assert mapping.constants["flow.name"] == "Consumer complaints"


def test_words_of_the_command_line_map_columns() -> None:
    mapping = mapping_of(["Date received=submitted_at", "a=b=email"], ["flow.name=Loans = good"])
    assert mapping.columns == {"Date received": Target("submitted_at"), "a=b": Target("email")}
    assert mapping.constants == {"flow.name": "Loans = good"}


def test_a_later_word_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text('columns: {Day: submitted_at, "No": reference}\ndelimiter: ";"\n')
    mapping = mapping_of([str(file), "Day=delivered_at"])
    assert mapping.columns == {"Day": Target("delivered_at"), "No": Target("reference")}
    assert mapping.delimiter == ";"


@pytest.mark.parametrize("word", ["nothing", "=email", "Mail="])
def test_a_word_that_maps_nothing_is_refused(word: str) -> None:
    with pytest.raises(ImportFileError, match="maps nothing"):
        mapping_of([word])


def test_a_constant_without_a_field_is_refused() -> None:
    with pytest.raises(ImportFileError, match="sets nothing"):
        mapping_of([], ["Loans"])


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("colums: {}", r"map\.yaml:1: unknown key \"colums\"; did you mean \"columns\"\?"),
        ("columns:\n  A: 5", r'map\.yaml:2: "A": text is expected'),
        ("columns:\n  A: {type: date}", r'map\.yaml:2: "A" names no field'),
        ("columns:\n  A: {field: custom.a, type: dat}", r'map\.yaml:2: unknown type "dat"'),
        ("columns:\n  A: {field: custom.a, pii: no}", r'map\.yaml:2: unknown PII class "no"'),
        ("columns:\n  A: email\n  A: city", r'map\.yaml:3: the key "A" stands twice'),
        ("columns: [a]", r"map\.yaml:1: columns: a mapping"),
        ("- a", r"map\.yaml:1: a mapping file: a mapping"),
        ('delimiter: ",,"', r"map\.yaml:1: delimiter: one character"),
        (
            "columns:\n  A: {field: submitted_at, format: '%m/%d/%Y %Z'}",
            r"map\.yaml:2: %Z takes names of zones",
        ),
        ("timezone: Mars/Olympus", r"map\.yaml:1: timezone: a name of the IANA is expected"),
        ("timezone: ../x", r"map\.yaml:1: timezone: a name of the IANA is expected"),
        ("columns: {A: email", r"map\.yaml:\d: not YAML"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(tmp_path: Path, yaml: str, message: str) -> None:
    (tmp_path / "map.yaml").write_text(yaml)
    with pytest.raises(ImportFileError, match=message):
        load_mapping(tmp_path / "map.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"none\.yaml: cannot read the mapping"):
        mapping_of([str(tmp_path / "none.yaml")])
