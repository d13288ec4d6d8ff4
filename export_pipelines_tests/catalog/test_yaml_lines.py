"""YAML as the project reads it."""

import os
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.yaml.lines import SHORT, YamlFault, read_yaml, read_yaml_file
from export_pipelines_tests.conftest import REPOSITORY

EXPORTS = REPOSITORY / "exports"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("2024-01-15", "2024-01-15"),
        ("07030", "07030"),
        ("0", 0),
        ("-12", -12),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("25.50", 25.5),
        ("1e3", 1000.0),
        (".5", ".5"),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_plain_words_are_read_as_yaml_1_2_does(text: str, value: Any) -> None:
    parsed = read_yaml(f"key: {text}").data["key"]
    assert (parsed, type(parsed)) == (value, type(value))


def test_keys_are_always_text() -> None:
    assert read_yaml("no: 1\n5: 2\ntrue: 3\n").data == {"no": 1, "5": 2, "true": 3}


def test_every_key_and_item_has_its_line() -> None:
    document = read_yaml("a: 1\nb:\n  - x\n  - {c: 1,\n     d: 2}\n")
    assert document.line(("b", 1, "d")) == 5
    assert document.line(("b", 1)) == 4
    assert document.line(("a",)) == 1


def test_a_key_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    assert read_yaml("a: 1\nb: {c: 1}\n").line(("b", "none", 3)) == 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'the key "a" stands twice, first on line 1'),
        ("a: &x 1\nb: *x\n", 2, "alias"),
        ("a: !!python/object:os.system 1\n", 1, "tag"),
        ("a: {{date}}\n", 1, "needs quotes"),
        ("a: [1\nb: 2\n", 2, "not YAML"),
        ("a: Leads: Texas\n", 1, "mapping values are not allowed here; put the text in quotes"),
        ("a: {{date}}.csv\n", 1, "expected <block end>.*; put the text in quotes"),
        ("a: {b: {{date}}/x}\n", 1, "expected ',' or '}'.*; put the text in quotes"),
        ("a: @x\n", 1, "cannot start any token; put the text in quotes"),
        ("a: [*.x]\n", 1, "scanning an alias.*; put the text in quotes"),
        ("\ta: 1\n", 1, "cannot start any token$"),
        ('a: "x\n', 2, "unexpected end of stream$"),
        ("a: 1\n---\nb: 1\n", 2, "not YAML"),
        ("a: 1\nb: \x00\n", 2, "character"),
        ("a: 1e999", 1, "too large"),
        ("a: " + "9" * 5000, 1, "too large"),
        ("a: " + "[" * 5000, 1, "nested too deep: at most 40"),
        ("a:\n" + "".join(" " * n + "k:\n" for n in range(1, 60)), 41, "nested too deep"),
        ('a: 1\n"b\\ud800": 2\n', 2, "half a character"),
        ("- a\n" * 200_000, 100_000, "more than 100,000 values"),
        (f"a: *{'x' * 5000}", 1, r"^.{297}\.\.\.$"),
    ],
)
def test_what_is_not_read_here_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(YamlFault, match=what) as caught:
        read_yaml(text)
    assert caught.value.line == line


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_short_file_is_read_as_a_long_one(path: Path) -> None:
    """libyaml reads what is short."""
    text = path.read_text(encoding="utf-8")
    assert read_yaml(text) == read_yaml(f"{text}\n#{' ' * SHORT}")


def test_forty_levels_are_read() -> None:
    assert read_yaml("[" * 40 + "]" * 40).data == eval("[" * 40 + "]" * 40)


def test_a_file_larger_than_a_megabyte_is_refused_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * 1_000_000)
    assert read_yaml_file(path).data is None
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(YamlFault, match="larger than 1,000,000 bytes"):
        read_yaml_file(path)
    os.mkfifo(tmp_path / "b.yaml")
    with pytest.raises(OSError, match="not a plain file"):
        read_yaml_file(tmp_path / "b.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbftype: lead\n")
    assert read_yaml_file(path).data == {"type": "lead"}


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(YamlFault, match="UTF-8") as caught:
        read_yaml_file(path)
    assert caught.value.line == 2
