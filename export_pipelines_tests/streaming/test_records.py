"""Records: their data is what the NDJSON encoder writes, the envelope around it is JSON, and their schema describes them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from export_pipelines.encode.json import JsonEncoder
from export_pipelines.errors import RequestError
from export_pipelines.plan.plan import Plan
from export_pipelines.streaming.record_schema import record_schema
from export_pipelines.streaming.records import Records
from export_pipelines.streaming.sink import Envelope, Shown
from export_pipelines_tests.encode.tables import encoded, frame_of, plan_of
from export_pipelines_tests.encode.test_encoders import ALL, ROWS
from export_pipelines_tests.streaming.sinks.samples import AT, BARE, CANARIES, ENVELOPE, lead_rows

ODD = ['a"b', "line\nbreak", "é\u2028", ""]


def of_every_kind(first: int = 7) -> tuple[Plan, Shown]:
    rows = [ROWS[n % len(ROWS)] for n in range(len(ODD))]
    return plan_of(ALL, "ndjson"), Shown(frame_of(ALL, rows), pl.Series(ODD), first, AT)


def texts(plan: Plan, rows: Shown, envelope: Envelope) -> list[str]:
    return Records(plan, envelope).frame(rows)["text"].to_list()


def lines_of_encoder(plan: Plan, rows: Shown) -> list[str]:
    return encoded(JsonEncoder(False, plan.masking.columns, {}), rows.frame).decode().split("\n")[:-1]


def test_a_bare_record_is_the_line_of_the_encoder() -> None:
    plan, rows = of_every_kind()
    assert texts(plan, rows, BARE) == lines_of_encoder(plan, rows)


def test_the_data_of_an_envelope_is_the_line_of_the_encoder_to_the_byte(tmp_path: Path) -> None:
    for plan, rows in (of_every_kind(), lead_rows(tmp_path)[:2]):
        for text, line in zip(texts(plan, rows, ENVELOPE), lines_of_encoder(plan, rows), strict=True):
            head, _, data = text.partition(',"data":')
            assert data == line + "}"
            assert json.loads(head + "}").keys() == {
                "id", "sequence", "export", "schema_version", "emitted_at",
            }  # fmt: skip


def test_an_envelope_tells_id_sequence_and_times() -> None:
    plan, rows = of_every_kind(first=7)
    records = [json.loads(text) for text in texts(plan, rows, ENVELOPE)]
    assert [(record["id"], record["sequence"]) for record in records] == list(
        zip(ODD, range(7, 11), strict=True)
    )
    assert {(record["export"], record["schema_version"], record["emitted_at"]) for record in records} == {
        ("events", 3, "2024-01-15T10:59:30.250Z")
    }


def test_a_key_is_the_text_of_its_column_or_the_id_where_that_is_null() -> None:
    plan, rows = of_every_kind()
    expected = {
        "text.n": ["9223372036854775807", "line\nbreak", "-1", "9223372036854775807"],
        "pay": ["25.00", "line\nbreak", "-0.05", "25.00"],
        "flag": ["true", "line\nbreak", "false", "true"],
        "day": ["0001-01-01", "line\nbreak", "2024-02-29", "0001-01-01"],
        "at": [
            "2024-01-15T08:30:00.007Z",
            "line\nbreak",
            "9999-12-31T00:00:00.000Z",
            "2024-01-15T08:30:00.007Z",
        ],
    }
    for key, keys in expected.items():
        assert Records(plan, ENVELOPE, key).frame(rows)["key"].to_list() == keys
    assert Records(plan, ENVELOPE).frame(rows)["key"].to_list() == ODD


def test_a_key_that_is_not_exported_is_refused() -> None:
    with pytest.raises(RequestError, match='"phone" is no exported column') as caught:
        Records(plan_of(ALL, "ndjson"), ENVELOPE, "phone")
    assert "name one of text, text.n, pay" in str(caught.value)


def test_no_rows_are_no_records() -> None:
    plan = plan_of(ALL, "ndjson")
    rows = Shown(frame_of(ALL, []), pl.Series([], dtype=pl.String), 0, AT)
    assert Records(plan, ENVELOPE).frame(rows).shape == (0, 4)


@pytest.mark.parametrize("envelope", [ENVELOPE, BARE], ids=["envelope", "bare"])
def test_the_schema_describes_every_record(tmp_path: Path, envelope: Envelope) -> None:
    for plan, rows in (of_every_kind(), lead_rows(tmp_path)[:2]):
        schema = record_schema(plan, envelope)
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        for text in texts(plan, rows, envelope):
            validator.validate(json.loads(text))


@pytest.mark.parametrize("envelope", [ENVELOPE, BARE], ids=["envelope", "bare"])
def test_the_schema_refuses_a_record_with_a_key_more_a_key_less_or_another_type(envelope: Envelope) -> None:
    plan, rows = of_every_kind()
    validator = jsonschema.Draft202012Validator(record_schema(plan, envelope))
    record = json.loads(texts(plan, rows, envelope)[0])
    data = record if envelope.bare else record["data"]

    def refused(changes: dict[str, Any], without: str = "") -> bool:
        changed = {key: value for key, value in {**data, **changes}.items() if key != without}
        return not validator.is_valid(changed if envelope.bare else {**record, "data": changed})

    assert not refused({})
    assert refused({"more": 1}) and refused({}, without="text") and refused({"text": 1})
    assert refused({"inner": {}}) and refused({"number": "7"}) and refused({"at": "2024-01-15 08:30"})
    if not envelope.bare:
        assert not validator.is_valid({**record, "schema_version": 4})


def test_no_record_holds_a_value_that_is_masked(tmp_path: Path) -> None:
    plan, rows, raw = lead_rows(tmp_path)
    whole = "\n".join(texts(plan, rows, ENVELOPE))
    canaries = {value for id in CANARIES for value in raw[id].drop_nulls().to_list() if len(value) > 5}
    assert len(canaries) > 300
    assert [value for value in canaries if value in whole] == []


def test_the_first_and_the_last_year_are_times_of_the_schema() -> None:
    plan = plan_of(ALL[6:7], "ndjson")
    rows = Shown(
        frame_of(ALL[6:7], [(datetime(1, 1, 1, tzinfo=UTC),), (datetime(9999, 12, 31, tzinfo=UTC),)]),
        pl.Series(["a", "b"]),
        0,
        AT,
    )
    validator = jsonschema.Draft202012Validator(record_schema(plan, BARE))
    assert all(validator.is_valid(json.loads(text)) for text in texts(plan, rows, BARE))
