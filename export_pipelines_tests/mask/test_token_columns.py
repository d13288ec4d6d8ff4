"""Tokens in a CSV file become values, and not a byte of anything else changes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.errors import RequestError
from export_pipelines.mask.token_columns import TokenColumns

CELLS = st.text('ab ,;"\t\r\n\u00e4\ufeff', max_size=6)


def opening(token: str) -> str:
    """A token is the value between < and >."""
    if not token.startswith("<"):
        raise RequestError("that is no token", remedy="write <...>")
    return token[1:-1]


def opened(text: str, *names: str, separator: str = ",", null_marker: str = "") -> str:
    columns = TokenColumns(names, "a.csv", separator, null_marker)
    return "".join(line for line, _ in columns.open(io.StringIO(text, newline=""), opening))


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("all_quoted", [True, False])
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_values_stand_where_tokens_stood(
    separator: str, all_quoted: bool, rows: list[tuple[str, str, str]], end: str
) -> None:
    def cell(text: str) -> str:
        if all_quoted or any(sign in text for sign in f'{separator}"\r\n'):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [("a", "b", "c"), *((first, token and f"<{token}>", other) for first, token, other in rows)]
    text = "".join(separator.join(map(cell, line)) + end for line in lines)
    opened_text = opened(text, "b", separator=separator)
    read = list(csv.reader(io.StringIO(opened_text, newline=""), delimiter=separator, strict=True))
    assert read == [["a", "b", "c"], *map(list, rows)]
    assert opened(opened_text, separator=separator) == opened_text


def test_all_else_stays_byte_for_byte() -> None:
    text = '\ufeffid,"name",note\r\n1,<Ann>,\n2,"<B, ""o"">",""\r\n\r\n3,"","a\nb"\n4,,"c""d"'
    assert opened(text, "name") == (
        '\ufeffid,"name",note\r\n1,Ann,\n2,"B, ""o""",""\r\n\r\n3,"","a\nb"\n4,,"c""d"'
    )


def test_several_columns_are_opened_in_any_order() -> None:
    assert opened('a,b,c\n<1>,"<two, and>",<3>\n', "c", "a", "b") == 'a,b,c\n1,"two, and",3\n'


def test_the_first_column_of_a_file_with_a_byte_order_mark_has_its_name() -> None:
    assert opened("\ufeffa,b\n<1>,2\n", "a") == "\ufeffa,b\n1,2\n"


def test_a_marker_of_null_stays() -> None:
    assert opened("a,b\nNULL,NULL\n<1>,x\n", "a", null_marker="NULL") == "a,b\nNULL,NULL\n1,x\n"


def test_a_cell_may_be_longer_than_python_reads_by_itself() -> None:
    text = f'a,b\n<1>,"{"x" * 300_000}"\n'
    assert opened(text, "a") == text.replace("<1>", "1")


@pytest.mark.parametrize(
    ("text", "names", "error"),
    [
        ("", ["a"], "a.csv: the file is empty"),
        ("a,b\n", ["aa"], 'a.csv:1: unknown column "aa"; did you mean "a"?'),
        ("a,a\n", ["a"], 'a.csv:1: 2 columns are named "a"'),
        ("a,b\n<1>,2\n\n\nJane,3\n", ["a"], "a.csv:5: column a: that is no token (write <...>)"),
        ('a,b\n<1>,"2\n3"\nJane,3\n', ["a"], "a.csv:4: column a: that is no token (write <...>)"),
        ("a,b\n<1>\n", ["a"], "a.csv:2: the row has 1 cells, the header 2"),
        ("a,b\n<1>,2,3\n", ["a"], "a.csv:2: the row has 3 cells, the header 2"),
        ('a,b\n<1>,"2\n', ["a"], "a.csv:2: the row is no CSV: unexpected end of data"),
        ('a,b\n<1>,"2"x\n', ["a"], "a.csv:2: the row is no CSV: ',' expected after '\"'"),
    ],
)
def test_what_cannot_be_opened_is_named_with_its_line(text: str, names: list[str], error: str) -> None:
    with pytest.raises(RequestError) as caught:
        opened(text, *names)
    assert str(caught.value) == error
