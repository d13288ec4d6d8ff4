"""Files in, definitions out, normalised; one bad file keeps no other from loading."""

import os
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import Catalog
from export_pipelines.definition import ad_hoc_definition, load_definitions, loader
from export_pipelines.definition.output import Compression, compression_of
from export_pipelines.errors import DefinitionError, SettingsError
from export_pipelines.plan.window import WHOLE
from export_pipelines.plan.window_words import window_words
from export_pipelines.templates import PART_WORDS, WORDS
from export_pipelines_tests.definition.conftest import Load

HEAD = "type: lead\nformat: csv\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(HEAD + text, encoding="utf-8")


def test_one_bad_file_keeps_no_other_from_loading(tmp_path: Path, catalog: Catalog) -> None:
    write(tmp_path, good="", bad="fields: [emial]\n", worse="fields: [", other="")
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["good", "other"]
    assert set(loaded.broken) == {"bad", "worse"}


def test_any_number_of_definitions_may_have_a_schedule(tmp_path: Path, catalog: Catalog) -> None:
    write(tmp_path, **{f"e{n:03}": "schedule: daily\n" for n in range(105)})
    assert len(load_definitions(tmp_path, catalog).definitions) == 105


def test_two_definitions_that_write_the_same_files_are_refused(tmp_path: Path, catalog: Catalog) -> None:
    text = 'deliver: [{folder: {path: "out/%s"}}]\n'
    write(tmp_path, first=text % "{{date}}", second=text % "{{ date }}/", third=text % "{{date}}/third")
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["first", "third"]
    assert "first writes the same files" in str(loaded.broken["second"])


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ('path: "out/{{date}}"', 'path: "out/{{- date | lower -}}"', True),
        ('path: "{{export}}"', 'path: "{{ export | upper }}"', False),
        ('path: "FIRST"', 'path: "{{ export | upper }}"', False),
        ('path: "{{ export | upper }}"', 'path: "FIRST"', True),
        ('path: "out/{{year}}"', 'path: "out/{{month}}"', False),
    ],
)
def test_what_templates_become_is_compared_and_not_their_spelling(
    tmp_path: Path, catalog: Catalog, first: str, second: str, meet: bool
) -> None:
    write(
        tmp_path,
        first=f"deliver: [{{folder: {{{first}}}}}]\n",
        second=f"deliver: [{{folder: {{{second}}}}}]\n",
    )
    assert (set(load_definitions(tmp_path, catalog).broken) == {"second"}) == meet


def test_a_path_that_grows_too_long_breaks_its_own_definition_only(tmp_path: Path, catalog: Catalog) -> None:
    path = "{{export}}" * 40
    write(tmp_path, good="", **{"long" * 10: f'deliver: [{{folder: {{path: "{path}"}}}}]\n'})
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["good"]
    assert "more than 1000" in str(loaded.broken["long" * 10])


def test_a_new_definition_never_breaks_one_that_was_known(tmp_path: Path, catalog: Catalog) -> None:
    same = 'deliver: [{folder: {path: "out/{{date}}"}}]\n'
    write(tmp_path, a_new_one=same, daily=same)
    assert set(load_definitions(tmp_path, catalog).broken) == {"daily"}
    loaded = load_definitions(tmp_path, catalog, known={"daily"})
    assert [definition.name for definition in loaded.definitions] == ["daily"] and set(loaded.broken) == {
        "a_new_one"
    }


def test_a_crash_of_the_program_breaks_the_definition_that_brought_it_about(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, bad="compression: gzip\n", good="")

    def crash(written: Any) -> Compression:
        if written == "gzip":
            raise TypeError("jane@example.com")
        return compression_of(written)

    monkeypatch.setattr(loader, "compression_of", crash)
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["good"]
    text = str(loaded.broken["bad"])
    assert "bad.yaml:1: the program cannot take this definition: TypeError at " in text and "jane" not in text


def test_names_of_files_that_are_no_text_are_broken_definitions(tmp_path: Path, catalog: Catalog) -> None:
    write(tmp_path, good="")
    (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text("type: lead\n")
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["good"]
    ((name, error),) = loaded.broken.items()
    assert f"{name} {error}".encode() and name == "caf\\udce9"


@pytest.mark.parametrize("lines", ["naming: '{{export}}_{{part}}.{{ext}}'\n", "compression: gzip\n"])
def test_one_folder_may_hold_files_of_different_names(tmp_path: Path, catalog: Catalog, lines: str) -> None:
    text = 'deliver: [{folder: {path: "out/{{date}}"}}]\n'
    write(tmp_path, first=text, second=text + lines)
    assert not load_definitions(tmp_path, catalog).broken


def test_two_files_of_one_name_are_refused(tmp_path: Path, catalog: Catalog) -> None:
    write(tmp_path, same="")
    (tmp_path / "same.yml").write_text(HEAD, encoding="utf-8")
    loaded = load_definitions(tmp_path, catalog)
    assert [definition.name for definition in loaded.definitions] == ["same"]
    assert "has the same name" in str(loaded.broken["same.yml"])


def test_a_folder_that_is_not_there_is_an_error_of_the_settings(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(SettingsError, match="cannot read the folder of exports"):
        load_definitions(tmp_path / "none", catalog)


@pytest.mark.parametrize(
    ("size", "number"),
    [
        ("20 MB", 20_000_000),
        ("5 GB", 5_000_000_000),
        ("20MiB", 20 * 2**20),
        ("1.5 kb", 1500),
        ("7", 7),
        ("0.1 B", None),
    ],
)
def test_sizes_are_decimal_or_binary_bytes(load: Load, size: str, number: int | None) -> None:
    if number is None:
        with pytest.raises(DefinitionError, match="at least 1 byte"):
            load(f"split: {{bytes: {size}}}")
    else:
        assert load(f"split: {{bytes: {size}}}").split.bytes == number


@pytest.mark.parametrize(
    ("text", "codec", "level"), [("none", "none", None), ("gzip", "gzip", None), ("{zstd: 19}", "zstd", 19)]
)
def test_compression_is_a_word_or_a_word_with_its_level(
    load: Load, text: str, codec: str, level: int | None
) -> None:
    assert load(f"compression: {text}").compression == Compression(codec=codec, level=level)


def test_a_format_has_all_of_its_options(load: Load) -> None:
    format = load("format: {tsv: {null_marker: 'NULL'}}").format
    assert (format.name, format.options) == (
        "tsv", {"header": "ids", "null_marker": "NULL", "spreadsheet_safe": False},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("null_marker: '  '", "more than blanks"),
        ("null_marker: 'a,b'", "more than blanks, and holds no quote, comma"),
        ("null_marker: '-1.5', quote: text", "a null marker cannot be one"),
        ("null_marker: 'NULL', quote: all", "it cannot be quoted"),
        ("null_marker: 'a;b', delimiter: ';'", "nor hold the delimiter"),
    ],
)
def test_a_null_marker_can_be_told_from_values(load: Load, options: str, fault: str) -> None:
    with pytest.raises(DefinitionError, match=fault):
        load(f"format: {{csv: {{{options}}}}}")


def test_defaults_are_the_limits_of_the_service(load: Load) -> None:
    limits = load("").limits
    assert (limits.rows, limits.bytes) == (5_000_000, 5_000_000_000)


def test_weekdays_and_values_are_normalised(load: Load) -> None:
    chosen = load(
        "filter: {weekdays: [Mon, friday], hours: 22:00-06:00, dates: [2024-01-15], where: {outcome: [success, error]}}"
    ).filter
    assert chosen.weekdays == ("monday", "friday")
    assert chosen.hours == "22:00-06:00"
    assert chosen.where == {"outcome": ("success", "error")}


def test_an_error_can_be_placed_later_by_its_key(load: Load) -> None:
    definition = load("filter:\n  rules:\n    - {lhv: price, op: is greater than, rhv: 5}")
    assert definition.at("filter", "rules", 0, "rhv") == f"{definition.path}:5"
    assert definition.at("limits") == str(definition.path)


def test_the_words_of_templates_are_those_that_the_plan_fills_in() -> None:
    words = {*window_words(WHOLE), "export", "type", "version"}
    assert words | {"part", "ext"} == PART_WORDS and words | {"part", "ext", "run"} == WORDS


def test_the_faults_of_an_ad_hoc_export_have_their_places(catalog: Catalog) -> None:
    rules = [
        {"lhv": "state", "op": "is blank"},
        {"lhv": "emial", "op": "is blank"},
        {"lhv": "state", "op": "is"},
    ]
    with pytest.raises(DefinitionError) as refused:
        ad_hoc_definition("request_1", {"type": "lead", "format": "csv", "filter": {"rules": rules}}, catalog)
    assert ("filter", "rules", 2, "op") in [place for place, _ in refused.value.places]
    with pytest.raises(DefinitionError) as refused:
        ad_hoc_definition(
            "request_1", {"type": "lead", "format": "csv", "filter": {"rules": rules[:2]}}, catalog
        )
    assert [place for place, _ in refused.value.places] == [("filter", "rules", 1, "lhv")]


@pytest.mark.parametrize(
    "chosen",
    [
        {"where": {"email": "a@acme.example"}},
        {"rules": [{"lhv": "last_name", "op": "is equal to", "rhv": "Ruth"}]},
    ],
)
def test_an_ad_hoc_export_tells_no_person(catalog: Catalog, chosen: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="tells a person") as refused:
        ad_hoc_definition("request_1", {"type": "lead", "format": "csv", "filter": chosen}, catalog)
    assert "Ruth" not in str(refused.value)
    assert "acme" not in str(refused.value)


def test_no_file_has_the_name_of_an_ad_hoc_export(tmp_path: Path, catalog: Catalog) -> None:
    write(tmp_path, request_1="")
    assert "ad-hoc" in str(load_definitions(tmp_path, catalog).broken["request_1"])
