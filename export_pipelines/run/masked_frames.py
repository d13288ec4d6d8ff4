"""Batches as the source gave them become frames that may be shown."""

from collections.abc import Callable, Iterable, Iterator

import polars as pl
import pyarrow as pa

from export_pipelines import mask
from export_pipelines.encode.encoders import require_fitting
from export_pipelines.mask.apply import Masked
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan


def masked_frames(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    keys: Keys,
    counted: Callable[[Masked], pl.DataFrame],
) -> Iterator[pl.DataFrame]:
    """A frame of output columns for each batch, given to `counted` first. Raises DataError for a value that does not fit its
    type, or the format."""

    def shown(batch: pa.RecordBatch) -> pl.DataFrame:
        masked = mask.apply(plan, batch, keys)
        require_fitting(plan, masked.frame, batch)
        return counted(masked)

    return map(shown, batches)  # a loop would hold a batch until the next has come
