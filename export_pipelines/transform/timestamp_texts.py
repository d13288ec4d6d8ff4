"""Times as texts: ISO 8601 in UTC, to the millisecond."""

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.transform.letters import Letters, array_of, with_nulls
from export_pipelines.transform.schema import TIMESTAMP_FORMAT

PLAIN, LENGTH = len("2024-01-31 23:59:59.999"), len("2024-01-31T23:59:59.999Z")
STROKE, ZONE = 10, LENGTH - 1  # where `T` and `Z` stand
EPOCH = array_of([0], pl.Datetime("ms"))[0]


def timestamp_texts(values: pl.Series) -> pl.Series:
    """Milliseconds as `2024-01-31T23:59:59.999Z`. Arrow writes years of four digits nearly so, in half of `strftime`'s
    time."""
    times = values.to_arrow().cast(pa.timestamp("ms")).fill_null(EPOCH)
    plain = Letters(times.cast(pa.large_string())).bytes
    if len(plain) != len(values) * PLAIN:
        return values.dt.strftime(TIMESTAMP_FORMAT)
    letters = np.empty((len(values), LENGTH), np.uint8)
    letters[:, :PLAIN] = plain.reshape(-1, PLAIN)
    letters[:, STROKE], letters[:, ZONE] = b"TZ"
    texts = Letters.from_bytes(np.arange(len(values) + 1) * LENGTH, letters).texts
    if values.null_count():
        texts = with_nulls(texts, values.is_not_null().to_numpy())
    return pl.Series(values.name, texts)


def with_timestamp_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its times as texts."""
    return pl.DataFrame(
        [timestamp_texts(column) if column.dtype == pl.Datetime else column for column in frame]
    )
