"""The table of formats: a new format is one file and one row here."""

from collections.abc import Callable
from functools import partial

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.encode_delimited import DelimitedEncoder
from export_pipelines.stream.encode_json import JsonEncoder
from export_pipelines.stream.encode_parquet import ParquetEncoder
from export_pipelines.stream.encoder import Encoder

ENCODERS: dict[str, Callable[..., Encoder]] = {
    "csv": partial(DelimitedEncoder, ","),
    "tsv": partial(DelimitedEncoder, "\t"),
    "json": partial(JsonEncoder, True),
    "ndjson": partial(JsonEncoder, False),
}
ROW_GROUP_ROWS = 65_536


def encoder_of(plan: Plan) -> Encoder:
    """A new encoder for the parts of a whole plan."""
    assert plan.masking and plan.encoding and plan.output
    columns, options = plan.masking.columns, plan.encoding.options
    if plan.encoding.format == "parquet":
        group_rows = None if plan.output.part_bytes else ROW_GROUP_ROWS
        return ParquetEncoder(columns, options.get("compression", "none"), options.get("level"), group_rows)
    return ENCODERS[plan.encoding.format](columns, options)
