"""The table of formats: a new format is one file and one row here."""

from collections.abc import Callable
from functools import partial

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.encode_delimited import DelimitedEncoder
from export_pipelines.stream.encode_json import JsonEncoder
from export_pipelines.stream.encode_parquet import ParquetEncoder
from export_pipelines.stream.encoder import Columns, Encoder

ENCODERS: dict[str, Callable[..., Encoder]] = {
    "csv": partial(DelimitedEncoder, ","),
    "tsv": partial(DelimitedEncoder, "\t"),
    "json": partial(JsonEncoder, True),
    "ndjson": partial(JsonEncoder, False),
}
ROW_GROUP_ROWS = 65_536


def compresses_itself(plan: Plan) -> bool:
    """Parquet compresses inside the file, column by column: no codec is put around it."""
    assert plan.encoding
    return plan.encoding.format == "parquet"


def encoder_of(plan: Plan) -> Encoder:
    """A new encoder for one part of a whole plan."""
    assert plan.masking and plan.encoding and plan.compression and plan.output
    columns: Columns = plan.masking.columns
    if compresses_itself(plan):
        group_rows = None if plan.output.part_bytes else ROW_GROUP_ROWS
        return ParquetEncoder(columns, plan.compression.codec, plan.compression.level, group_rows)
    return ENCODERS[plan.encoding.format](columns, plan.encoding.options)
