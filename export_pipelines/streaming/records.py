"""Masked rows of a stream become records: a JSON text each, with its envelope or bare."""

import json

import polars as pl

from export_pipelines.encode.json import object_text
from export_pipelines.errors import RequestError
from export_pipelines.plan.plan import Plan, iso
from export_pipelines.streaming.sink import Envelope, Shown
from export_pipelines.transform.timestamp_texts import with_timestamp_texts

# names that no field of a catalog has
ID, SEQUENCE, KEY = "\x00id", "\x00sequence", "\x00key"


class Records:
    """Makes the records of one plan. `key` is the id of the output column that gives each record its key; where it is None,
    or the column's value is null, the key is the record's id. Raises RequestError for a `key` that is not exported."""

    def __init__(self, plan: Plan, envelope: Envelope, key: str | None = None) -> None:
        columns = plan.masking.columns
        if key is not None and key not in {column.id for column in columns}:
            raise RequestError(
                f'the partition key "{key}" is no exported column, or its privacy removes it',
                where=plan.export,
                remedy=f"name one of {', '.join(column.id for column in columns)}",
            )
        self._envelope = envelope
        self._object = object_text(columns)
        self._key = pl.lit(None, pl.String) if key is None else pl.col(key).cast(pl.String)

    def frame(self, rows: Shown) -> pl.DataFrame:
        """A row for each record, in order: `id`, `sequence`, `key`, and `text`, one line of JSON without its end."""
        sequence = pl.int_range(rows.sequence, rows.sequence + len(rows.frame), dtype=pl.Int64, eager=True)
        frame = with_timestamp_texts(rows.frame).with_columns(
            rows.ids.cast(pl.String).alias(ID), sequence.alias(SEQUENCE)
        )
        return frame.select(
            pl.col(ID).alias("id"),
            pl.col(SEQUENCE).alias("sequence"),
            self._key.fill_null(pl.col(ID)).alias("key"),
            pl.concat_str(self._pieces(rows)).alias("text"),
        )

    def _pieces(self, rows: Shown) -> list[pl.Expr]:
        if self._envelope.bare:
            return self._object
        tags = json.dumps(
            {
                "export": self._envelope.export,
                "schema_version": self._envelope.schema_version,
                "emitted_at": iso(rows.emitted_at),
            },
            separators=(",", ":"),
        )
        head = pl.struct(pl.col(ID).alias("id"), pl.col(SEQUENCE).alias("sequence")).struct.json_encode()
        data = f',{tags[1:-1]},"data":'
        return [head.str.strip_suffix("}"), pl.lit(data), *self._object, pl.lit("}")]
