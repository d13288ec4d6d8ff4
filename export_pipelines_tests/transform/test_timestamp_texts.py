"""Times are spelled as `strftime` spells them."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.transform.schema import TIMESTAMP_FORMAT
from export_pipelines.transform.timestamp_texts import timestamp_texts, with_timestamp_texts

TYPE = pl.Datetime("ms", "UTC")
YEAR_10000_MS = 253_402_300_800_000


@given(times=st.lists(st.none() | st.datetimes(timezones=st.just(UTC)), max_size=6))
def test_each_time_is_spelled_to_the_millisecond(times: list[datetime | None]) -> None:
    texts = timestamp_texts(pl.Series(times, dtype=TYPE)).to_list()
    whole = [
        time and time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=None) for time in times
    ]
    assert texts == [time and time.isoformat(timespec="milliseconds") + "Z" for time in whole]


@pytest.mark.parametrize("ms", [YEAR_10000_MS, -62_198_755_200_000])
def test_a_year_of_other_than_four_digits_is_spelled_too(ms: int) -> None:
    times = pl.Series([0, None, ms]).cast(TYPE)
    assert timestamp_texts(times).to_list() == times.dt.strftime(TIMESTAMP_FORMAT).to_list()


def test_other_columns_stay_as_they_are() -> None:
    frame = pl.DataFrame({"n": [1, None], "at": pl.Series([0, None]).cast(TYPE), "text": ["a", None]})
    texts = with_timestamp_texts(frame)
    assert texts.schema == {"n": pl.Int64, "at": pl.String, "text": pl.String}
    assert texts.rows() == [(1, "1970-01-01T00:00:00.000Z", "a"), (None, None, None)]
