"""The JSON Schema says yes to what the loader takes, and no to what it refuses by shape."""

from pathlib import Path

import jsonschema
import pytest

from export_pipelines.definition import definition_schema
from export_pipelines.yaml.lines import read_yaml_file

EXAMPLES = sorted((Path(__file__).parents[2] / "exports").glob("*.yaml"))
BAD = Path(__file__).parent / "fixtures" / "bad"
SCHEMA = definition_schema()


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_shipped_examples_fit(path: Path) -> None:
    jsonschema.validate(read_yaml_file(path).data, SCHEMA)


@pytest.mark.parametrize(
    "lines",
    [
        {"fields": ["email.*"], "split": {"bytes": "20 MB"}, "limits": {"bytes": 5}},
        {"fields": {"exclude_pii": True}, "compression": {"gzip": 9}},
        {
            "filter": {
                "rules": [{"op": "or", "rules": [{"lhv": "price", "op": "is between", "rhv": [1, 2.5]}]}]
            }
        },
        {"filter": {"last": "30 days", "where": {"state": ["TX"]}, "hours": "09:00-17:00"}},
    ],
)
def test_what_people_write_fits(lines: dict[str, object]) -> None:
    jsonschema.validate({"type": "lead", "format": "csv", **lines}, SCHEMA)


@pytest.mark.parametrize(
    "name",
    [
        "unknown_keys",
        "wrong_words",
        "two_formats",
        "rule_words",
        "filter_words",
        "sizes",
        "smart",
        "fields_word",
    ],
)
def test_a_wrong_shape_does_not_fit(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_yaml_file(BAD / f"{name}.yaml").data, SCHEMA)
