"""Conditional and range requests, by RFC 9110; tables of headers and what they must give."""

from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from export_pipelines.service.conditions import Answer, Representation, answer_to, http_date
from export_pipelines.service.file_parts import disposition

MADE = datetime(2024, 1, 15, 9, 30, tzinfo=UTC)
FILE = Representation('"abc"', MADE, 100)
LATER, EARLIER = http_date(MADE + timedelta(hours=1)), http_date(MADE - timedelta(hours=1))
SAME = http_date(MADE)


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, Answer(200, 0, 100)),
        ({"range": "bytes=0-9"}, Answer(206, 0, 10)),
        ({"range": "bytes=90-"}, Answer(206, 90, 100)),
        ({"range": "bytes=90-500"}, Answer(206, 90, 100)),
        ({"range": "bytes=-5"}, Answer(206, 95, 100)),
        ({"range": "bytes=-500"}, Answer(206, 0, 100)),
        ({"range": "BYTES=0-0"}, Answer(206, 0, 1)),
        ({"range": "bytes=100-"}, Answer(416)),
        ({"range": "bytes=-0"}, Answer(416)),
        ({"range": "bytes=9-3"}, Answer(200, 0, 100)),
        ({"range": "bytes=-"}, Answer(200, 0, 100)),
        ({"range": "bytes=0-1,5-6"}, Answer(200, 0, 100)),
        ({"range": "lines=1-2"}, Answer(200, 0, 100)),
        ({"range": "bytes=0-9", "if-range": '"abc"'}, Answer(206, 0, 10)),
        ({"range": "bytes=0-9", "if-range": '"other"'}, Answer(200, 0, 100)),
        ({"range": "bytes=0-9", "if-range": 'W/"abc"'}, Answer(200, 0, 100)),
        ({"range": "bytes=0-9", "if-range": SAME}, Answer(206, 0, 10)),
        ({"range": "bytes=0-9", "if-range": LATER}, Answer(200, 0, 100)),
        ({"if-none-match": '"abc"'}, Answer(304)),
        ({"if-none-match": 'W/"abc"'}, Answer(304)),
        ({"if-none-match": '"x", "abc"'}, Answer(304)),
        ({"if-none-match": "*"}, Answer(304)),
        ({"if-none-match": '"x"', "if-modified-since": LATER}, Answer(200, 0, 100)),
        ({"if-modified-since": SAME}, Answer(304)),
        ({"if-modified-since": EARLIER}, Answer(200, 0, 100)),
        ({"if-modified-since": "nonsense"}, Answer(200, 0, 100)),
        ({"if-match": '"abc"'}, Answer(200, 0, 100)),
        ({"if-match": "*"}, Answer(200, 0, 100)),
        ({"if-match": 'W/"abc"'}, Answer(412)),
        ({"if-match": '"x"'}, Answer(412)),
        ({"if-match": '"x"', "if-none-match": '"abc"'}, Answer(412)),
        ({"if-unmodified-since": EARLIER}, Answer(412)),
        ({"if-unmodified-since": SAME}, Answer(200, 0, 100)),
    ],
)
def test_headers_are_answered_as_the_standard_says(headers: dict[str, str], answer: Answer) -> None:
    assert answer_to("GET", headers, FILE) == answer


def test_a_range_of_an_empty_file_cannot_be_satisfied() -> None:
    assert answer_to("GET", {"range": "bytes=0-"}, Representation('"e"', MADE, 0)) == Answer(416)


def test_head_has_no_ranges() -> None:
    assert answer_to("HEAD", {"range": "bytes=0-9"}, FILE) == Answer(200, 0, 100)


@hypothesis.given(st.text(max_size=40))
def test_any_text_of_a_range_gives_bytes_of_the_file(text: str) -> None:
    answer = answer_to("GET", {"range": f"bytes={text}", "if-range": text, "if-none-match": text}, FILE)
    assert 0 <= answer.start <= answer.end <= FILE.size


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("leads.csv", "attachment; filename=\"leads.csv\"; filename*=UTF-8''leads.csv"),
        ('a"b\\c.csv', "attachment; filename=\"a_b_c.csv\"; filename*=UTF-8''a%22b%5Cc.csv"),
        ("Käufer 1.csv", "attachment; filename=\"K_ufer 1.csv\"; filename*=UTF-8''K%C3%A4ufer%201.csv"),
    ],
)
def test_a_name_stands_in_both_spellings(name: str, header: str) -> None:
    assert disposition(name) == header
