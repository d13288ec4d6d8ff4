"""Each bad file beside the exact text that its author reads."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Catalog
from export_pipelines.definition import load_definition
from export_pipelines.errors import DefinitionError

BAD = Path(__file__).parent / "fixtures" / "bad"


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_this_text(
    path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(DefinitionError) as caught:
        load_definition(path, catalog)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert caught.value.exit_code == 2


def test_no_text_repeats_a_secret_or_a_value_of_a_filter() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in BAD.glob("*.txt"))
    for private in ("hunter2", "000-00-0000", "77001", "cheap", "someone@"):
        assert private not in texts


def test_a_file_outside_the_working_directory_is_named_in_full(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / "x.yaml"
    path.write_text("type: lead\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_definition(path, catalog)
    assert (
        str(caught.value)
        == f'{path}:1: the key "format" is missing; allowed: csv, tsv, json, ndjson, parquet, xlsx'
    )


def test_a_file_that_is_not_there_is_an_error_of_the_request(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(DefinitionError, match="cannot read the file"):
        load_definition(tmp_path / "none.yaml", catalog)
