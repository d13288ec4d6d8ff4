"""Times as texts: ISO 8601 in UTC, to the millisecond."""

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.transform.letters import Letters
from export_pipelines.transform.schema import TIMESTAMP_FORMAT

PLAIN, LENGTH = len("2024-01-31 23:59:59.999"), len("2024-01-31T23:59:59.999Z")
STROKE, ZONE = 10, LENGTH - 1  # where `T` and `Z` stand


def timestamp_texts(values: pl.Series) -> pl.Series:
    """Milliseconds as `2024-01-31T23:59:59.999Z`. Arrow writes years of four digits nearly so, in half of `strftime`'s
    time."""
    times = values.to_physical().fill_null(0).to_arrow().cast(pa.timestamp("ms"))
    plain = Letters(times.cast(pa.large_string())).bytes
    if len(plain) != len(values) * PLAIN:
        return values.dt.strftime(TIMESTAMP_FORMAT)
    letters = np.empty((len(values), LENGTH), np.uint8)
    letters[:, :PLAIN] = plain.reshape(-1, PLAIN)
    letters[:, STROKE], letters[:, ZONE] = b"TZ"
    texts = Letters.from_bytes(np.arange(len(values) + 1) * LENGTH, letters).series().alias(values.name)
    return texts.scatter(np.flatnonzero(values.is_null().to_numpy()), None) if values.null_count() else texts


def with_timestamp_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its times as texts."""
    return pl.DataFrame(
        [timestamp_texts(column) if column.dtype == pl.Datetime else column for column in frame]
    )
