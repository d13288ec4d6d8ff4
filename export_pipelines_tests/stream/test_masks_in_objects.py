"""A masked value of a lead is not found inside its JSON objects either, however it is spelled there."""

import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import Mask, OutputColumn, Plan, Seal, SourceColumn
from export_pipelines.sample import generate_leads
from export_pipelines.stream import Keys, open_source, write_parts
from export_pipelines.stream.mask_objects import seal_objects
from export_pipelines_tests import whole_run
from export_pipelines_tests.stream.tables import MemoryStore, column, plan_of, watching

KEYS = Keys.from_bytes(b"h" * 32, b"m" * 32)
PERSON = {"email": "José.Núñez@example.com", "last_name": "Núñez-O'Hara", "phone_1": "(213) 555-8931"}
TYPES = {"email": "email", "last_name": "name", "phone_1": "phone"}


def sealing(*seals: Seal, watched: dict[str, str] = TYPES) -> tuple[Plan, OutputColumn]:
    """A plan that exports the object `custom` and hides the columns `watched`."""
    custom = column("custom", Kind.JSON).model_copy(update={"seals": seals})
    plan = plan_of([custom])
    assert plan.masking
    columns = tuple(SourceColumn(name=name, kind=Kind.TEXT, type=type) for name, type in watched.items())
    query = plan.masking.query.model_copy(update={"columns": (*columns, *plan.masking.query.columns)})
    masking = plan.masking.model_copy(
        update={"query": query, "watched": tuple(watched), "searched": ("custom",)}
    )
    return plan.model_copy(update={"masking": masking}), custom


def sealed(text: str | None, *seals: Seal, person: dict[str, str | None] | None = None) -> str | None:
    """What the stored `text` becomes in the row of `person`."""
    values = PERSON if person is None else person
    plan, custom = sealing(*seals, watched={name: TYPES[name] for name in values})
    frame = pl.DataFrame({**{name: [value] for name, value in values.items()}, "custom": [text]})
    frame = frame.cast(dict.fromkeys(frame.columns, pl.String))
    result = seal_objects(frame["custom"], custom.seals, watching(plan, frame), KEYS)[0].to_list()
    assert len(result) == 1
    return result[0]


def seal(path: str, mask: Mask | None, type: str = "text") -> Seal:
    return Seal(path=path, mask=mask, type=type)


@pytest.mark.parametrize(
    "note",
    [
        "José.Núñez@example.com",
        "josé.núñez@EXAMPLE.com",
        "write to José.Núñez@example.com, please",
        "Mrs NÚÑEZ-O'HARA called",
        "213-555-8931",
        "call 213.555.8931 after five",
        "+1 (213) 555 8931",
        "12135558931",
        2135558931,
        {"deep": ["x", "José.Núñez@example.com"]},
        {"Núñez-O'Hara": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["plain", "escaped"])
def test_a_value_that_returns_in_an_object_is_hidden(note: Any, ascii_only: bool):
    found = sealed(json.dumps({"note": note}, ensure_ascii=ascii_only))
    assert found is not None and "***" in found
    plain = json.dumps(json.loads(found), ensure_ascii=False).casefold()
    assert not any(value.casefold() in plain for value in PERSON.values())
    assert "2135558931" not in "".join(sign for sign in plain if sign.isdigit())


@pytest.mark.parametrize(
    "text", ['{"a": 1.10,  "b":"x"}', "[]", "null", '{"phone":"4155550000"}', '{"n":"a\\u00e9\\/b"}', None]
)
def test_a_text_with_nothing_to_hide_stays_as_it_is(text: str | None):
    assert sealed(text) == text


def test_an_object_of_another_lead_stays_readable():
    plan, custom = sealing(watched={"email": "email"})
    frame = pl.DataFrame(
        {
            "email": ["a@example.com", "b@example.com"],
            "custom": ['{"to":"b@example.com"}', '{"to":"b@example.com"}'],
        }
    )
    found, hidden = seal_objects(frame["custom"], custom.seals, watching(plan, frame), KEYS)
    assert (found.to_list(), hidden) == (['{"to":"b@example.com"}', '{"to":"***"}'], 1)


def test_an_address_whose_strokes_are_escaped_is_hidden():
    person = {"last_name": "https://x.example/a?n=The%20Quetzal"}
    escaped = r"https:\/\/x.example\/a?n=The%20Quetzal"
    assert sealed(f'{{"at":"{escaped}"}}', person=person) == '{"at":"***"}'
    assert sealed(f'{{"{escaped}":1}}', person=person) == '{"***":1}'


def test_an_object_after_one_with_a_key_twice_stays_as_it_is():
    plan, custom = sealing(watched={"email": "email"})
    texts = ['{"a":"x","a":"\\u0061@example.com"}', '{"a": "\\u00e9"}']
    frame = pl.DataFrame({"email": ["a@example.com"] * 2, "custom": texts})
    found, _ = seal_objects(frame["custom"], custom.seals, watching(plan, frame), KEYS)
    assert found.to_list() == ['{"a":"***"}', texts[1]]
    assert frame["custom"].to_list() == texts


def test_declared_places_are_masked_and_the_rest_stays():
    text = '{"partner":{"email":"ann@example.com"},"amount":12.50,"tags":["a","b"]}'
    found = sealed(text, seal("partner.email", Mask.MASK, "email"), seal("tags[]", Mask.REMOVE))
    assert found == '{"partner":{"email":"a***@example.com"},"amount":12.50,"tags":[null,null]}'


def test_everything_undeclared_is_masked_where_the_star_says_so():
    text = '{"known":"stays","other":"goes","n":7,"nothing":null}'
    found = sealed(text, seal("*", Mask.MASK), seal("known", None))
    assert found == '{"known":"stays","other":"***","n":"***","nothing":null}'


def test_a_kept_place_still_hides_the_masked_values_of_its_lead():
    found = sealed('{"known":"José.Núñez@example.com"}', seal("*", Mask.MASK), seal("known", None))
    assert found == '{"known":"***"}'


@pytest.mark.parametrize("value", ["", "Li", None])
def test_values_too_short_to_tell_anything_are_not_searched_for(value: str | None):
    assert sealed('{"note":"Lisbon"}', person={"last_name": value}) == '{"note":"Lisbon"}'


def test_a_name_that_reads_like_a_pattern_is_meant_literally():
    assert sealed('{"note":"a.*b and axxb"}', person={"last_name": "a.*b"}) == '{"note":"*** and axxb"}'


def test_half_a_character_beside_a_masked_value_is_kept_as_an_escape():
    assert sealed('{"note":"\\ud800 Núñez-O\'Hara"}') == '{"note":"\\ud800 ***"}'


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=10)
shapes = st.sampled_from([str.lower, str.upper, str.title, str])


@given(
    value=words,
    around=st.tuples(st.text(max_size=5), st.text(max_size=5)),
    shape=shapes,
    escaped=st.booleans(),
)
def test_no_value_is_found_whatever_stands_around_it(
    value: str, around: tuple[str, str], shape: Any, escaped: bool
):
    inner = shape(value) if shape(value).casefold() == value.casefold() else value
    text = json.dumps({"k": around[0] + inner + around[1], inner: 1}, ensure_ascii=escaped)
    found = sealed(text, person={"last_name": value})
    assert found is not None
    rest = json.loads(found)
    assert value not in str(rest.get("k")) and inner not in rest
    assert value.casefold() not in str(rest.get("k")).casefold()


@pytest.mark.parametrize(
    "text",
    [
        '{"note":"Núñez-O\'Hara","note":"x"}',
        '{"deep":{"email":"José.Núñez@example.com","email":null}}',
        '{"s\\u0073n":"123-45-6001"}',
        '{"ssn":"123-45-6001","ssn":null}',
        '{"geo":{"l\\u0061t":123456001}}',
    ],
)
def test_nothing_goes_out_by_a_key_that_stands_twice_or_is_escaped(text: str):
    seals = [seal("ssn", Mask.REMOVE), seal("geo.lat", Mask.REMOVE)]
    found = sealed(text, *seals)
    assert found is not None
    assert not any(secret in found for secret in ("Núñez", "6001"))


def test_a_part_of_a_text_and_a_field_of_the_same_type_are_searched(tmp_path: Path):
    path = tmp_path / "leads.db"
    generate_leads(f"sqlite:///{path}", 3, 1, date(2024, 1, 15), 1)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(
            "UPDATE leads SET email = 'zelda.quux@wibble.example', email_2 = 'Zelda.Quux@wibble.example',"
            " phone_1 = '4158675309', phone_2 = '(415) 867-5309', address_2 = 'c/o zelda.quux@wibble.example',"
            " landing_page = 'https://x.example/a?email=zelda.quux%40wibble.example&p=4158675309'"
        )
    fields = ("landing_page", "landing_page.query", "email_2", "phone_2", "phone_2.line", "address_2")
    privacy = {"email": "mask", "phone_1": "mask"}
    plan = whole_run.plan_of(fields=fields, privacy=privacy)
    assert plan.masking
    store = MemoryStore()
    batches = open_source(f"sqlite:///{path}").read(plan.masking.query)
    write_parts(plan, batches, store.open_part, KEYS)
    text = b"".join(store.parts.values()).decode().lower()
    assert text.count("***") >= 12
    assert not any(secret in text for secret in ("quux", "8675309", "867-5309"))
