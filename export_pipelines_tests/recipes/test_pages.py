"""The tables of recipes in docs/ are those that `make recipes` writes, of what the recipes announce now."""

from collections.abc import Callable

import pytest

from export_pipelines_tests.conftest import REPOSITORY
from readers.recipes import Outcome, announced, by_file, by_reader, in_order, with_table


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return list(announced())


@pytest.mark.parametrize(("page", "table"), [("recipes.md", by_reader), ("readers.md", by_file)])
def test_a_page_has_the_table_of_what_recipes_announce(
    page: str, table: Callable[[list[Outcome]], str], outcomes: list[Outcome]
) -> None:
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    assert text == with_table(text, table(outcomes)), "run `make recipes`"


def test_another_loss_makes_another_table(outcomes: list[Outcome]) -> None:
    (place,) = [n for n, item in enumerate(outcomes) if item.file == ("pyarrow", "json", "none", "{}")]
    changed = Outcome("pyarrow", "json", "none", {}, in_order(["the empty text becomes null"]))
    others = [*outcomes[:place], changed, *outcomes[place + 1 :]]
    assert by_reader(others) != by_reader(outcomes) and by_file(others) != by_file(outcomes)
