"""Long texts, made so that a search that tries all ways would never end: each room reads them in seconds.

LINEAR=200000 in the environment takes texts of so many letters instead of 10,000, with which a quadratic search shows too."""

import os
import time
import tracemalloc
import unicodedata
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.encode.json import TOKEN
from export_pipelines.importer.headers import compared
from export_pipelines.importer.parse import Unfit, parser_of
from export_pipelines.mask.normalise import normalised as spelled
from export_pipelines.mask.own import own_of
from export_pipelines.mask.redact_columns import redactor
from export_pipelines.normal_form import FEW, normalised
from export_pipelines.transform.components import COMPONENTS, VALID, has_form

PIECES = [
    "a", "0", " ", "@", "a@", ".", "a.", "-", "0-", "1,", "\\", "\\u", "%4", "%41", "&", "&#0", "&amp;", '"', '"@', "(", "+",
    "[", "/", "/1.", "=", "?a=", "x", "ext ", "\u0301\u0323", "é", "0 ", "a ", "x1", "1/", "{", '{"a":', ",", "::", "ab12",
]  # fmt: skip
SIZE, SECONDS = int(os.environ.get("LINEAR", "10000")), 10


def texts() -> list[str]:
    return [f"1{(piece * SIZE)[:SIZE]}!" for piece in PIECES]


def within(seconds: float, asked: Callable[[], object], what: str) -> None:
    before = time.process_time()
    asked()
    assert time.process_time() - before < seconds, what


@pytest.mark.parametrize("type", ["text", "url", "user_agent"])
def test_redaction(type: str) -> None:
    own = own_of([("name", "Ann Roe"), ("street", "1 Elm St"), ("dob", "1990-02-03"), ("ssn", "987-65-4321")])
    for text in texts():
        within(SECONDS, lambda text=text: redactor(type)(text, own), repr(text[:6]))  # type: ignore[misc]


def test_own_values() -> None:
    for text in texts():
        for type in ("name", "street", "ssn"):
            within(SECONDS, lambda text=text, type=type: own_of([(type, text)]), repr(text[:6]))  # type: ignore[misc]


@pytest.mark.parametrize("type", ["email", "phone", "name", "postal_code", "text"])
def test_normal_spellings(type: str) -> None:
    for text in texts():
        within(SECONDS, lambda text=text: spelled(type, text), repr(text[:6]))  # type: ignore[misc]


@pytest.mark.parametrize("type", sorted({*COMPONENTS, *VALID}))
def test_grammars_of_types(type: str) -> None:
    frame = pl.DataFrame({"value": texts()})
    parts = [part(pl.col("value")).alias(name) for name, part in COMPONENTS.get(type, {}).items()]
    within(SECONDS * 4, lambda: frame.select(has_form(type, pl.col("value")).alias("form"), *parts), type)


@pytest.mark.parametrize(
    "type", ["timestamp", "date", "boolean", "currency", "number", "integer", "object", "text"]
)
def test_cells_of_an_import(type: str) -> None:
    parse = parser_of(type)

    def asked(text: str) -> None:
        try:
            parse(text)
        except Unfit:
            return

    for text in texts():
        within(SECONDS, lambda text=text: asked(text), repr(text[:6]))  # type: ignore[misc]


def test_names_of_columns_and_keys() -> None:
    for text in texts():
        within(SECONDS, lambda text=text: (compared(text), never_exported_type(text)), repr(text[:6]))  # type: ignore[misc]


def test_a_long_text_in_json_takes_no_more_memory_than_a_few_of_it() -> None:
    text = '"' + "x\\n" * 1_400_000 + '"'
    tracemalloc.start()
    match = TOKEN.match(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert match and match.end() == len(text)
    assert peak < 10 * len(text)


MARKS = st.text("ae\u0301\u0323\u0327\u0345\u0f71\u0f72é\u1e09\uac00\u1161\u11a8ﬁＡ", min_size=2, max_size=9)


@given(MARKS, st.sampled_from(["NFC", "NFKC", "NFKD"]))
def test_the_normal_form_of_a_long_text_is_unicodes(piece: str, form: str) -> None:
    text = piece * (FEW // len(piece) + 2)
    assert normalised(form, text) == unicodedata.normalize(form, text)  # type: ignore[arg-type]
