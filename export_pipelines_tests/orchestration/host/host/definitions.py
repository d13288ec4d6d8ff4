"""Somebody's project: an executor, an `io_manager`, and jobs of their own, whose names are those that exports have, too."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa

from host import documented
from host.documented import DAYS, LEADS


class JsonFiles(dg.IOManager):
    """Takes what JSON can hold, and nothing else."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        Path("/".join([*context.asset_key.path, "json"]).replace("/", ".")).write_text(json.dumps(obj))

    def load_input(self, context: dg.InputContext) -> Any:
        return json.loads(Path("/".join([*context.asset_key.path, "json"]).replace("/", ".")).read_text())


@dg.asset(partitions_def=DAYS, ins={"leads": LEADS})
def pandas_types(leads: pd.DataFrame) -> dict[str, str]:
    return {name: str(kind) for name, kind in leads.dtypes.items()}


@dg.asset(partitions_def=DAYS, ins={"leads": LEADS})
def polars_types(leads: pl.DataFrame) -> dict[str, str]:
    return {name: str(kind) for name, kind in leads.schema.items()}


@dg.asset(ins={"leads": LEADS})
def first_ids(leads: pl.LazyFrame) -> list[str]:
    return leads.select("lead_id").head(3).collect().to_series().to_list()


@dg.asset(ins={"leads": LEADS})
def rows(leads: pa.Table) -> int:
    return int(leads.num_rows)


@dg.asset(partitions_def=DAYS, ins={"leads": LEADS})
def wrong(leads: list[str]) -> int:
    return len(leads)


@dg.op
def extract() -> int:
    return 1


@dg.job
def daily() -> None:
    extract()


@dg.job
def sweep() -> None:
    extract()


@dg.sensor(job=sweep, name="alerts")
def alerts() -> dg.SkipReason:
    return dg.SkipReason("nothing")


defs = dg.Definitions.merge(
    dg.Definitions(
        assets=[pandas_types, polars_types, first_ids, rows, wrong],
        jobs=[daily, sweep],
        sensors=[alerts],
        schedules=[dg.ScheduleDefinition(name="daily_schedule", job=daily, cron_schedule="0 1 * * *")],
        resources={"io_manager": JsonFiles(), "edges": "theirs", "artifacts": "theirs"},
        executor=dg.multiprocess_executor,
        loggers={"console": dg.colored_console_logger},
    ),
    documented.defs,
)
