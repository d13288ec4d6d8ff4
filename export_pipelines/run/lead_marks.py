"""The marks of the leads in a batch: the beginning of an HMAC of each id, all at once."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import stringzilla as sz

from export_pipelines.plan.plan import Mask, Plan
from export_pipelines.transform.letters import strings_of

DIGEST_BYTES, MARK_BYTES = 32, 8
LEAD_ID = "lead_id"  # of a lead, and of an event of it

Marks = npt.NDArray[np.uint64]


def lead_column(plan: Plan) -> str:
    """The source column that says which lead a row is of; empty for a report, whose rows are of none."""
    ids = {column.name for column in plan.query.columns}
    return LEAD_ID if plan.report is None and LEAD_ID in ids else ""


def is_in_clear(plan: Plan, lead_column: str) -> bool:
    """Whether the key of `mode: changes` is the lead's id as the source has it, so that removed rows name leads, too."""
    return plan.changes is not None and any(
        column.id == plan.changes.key and column.source == lead_column and column.mask in (None, Mask.KEEP)
        for column in plan.masking.columns
    )


def lead_marks(key: bytes, ids: pa.Array) -> Marks:
    """A mark for each id that is not null, in order: the first 8 bytes of HMAC-SHA-256, big-endian."""
    texts = ids.drop_null().cast(pa.large_string())
    codes = np.empty((len(texts), DIGEST_BYTES), np.uint8)
    if len(texts):
        sz.hmac_sha256(key, strings_of(texts), codes)
    marks = np.ascontiguousarray(codes[:, :MARK_BYTES]).view(">u8").ravel()
    return marks.astype(np.uint64)


def marked(
    batches: Iterable[pa.RecordBatch], column: str, key: bytes, add: Callable[[Marks], None]
) -> Iterator[pa.RecordBatch]:
    """The batches as they are; the marks of their leads, whose ids are in `column`, are given to `add`. Closes `batches`."""
    reading = iter(batches)
    try:
        for batch in reading:
            add(lead_marks(key, batch.column(column)))
            yield batch
    finally:
        close = getattr(reading, "close", None)
        if close:
            close()
