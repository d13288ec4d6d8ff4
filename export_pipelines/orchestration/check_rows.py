"""What Dagster's index says of asset checks, written as Dagster does: by statements that are made once, with the text of an
event that is there already. Dagster makes both anew for each partition of each check."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

COLUMNS = AssetCheckExecutionsTable.c
INSERT = AssetCheckExecutionsTable.insert()
UPDATE = AssetCheckExecutionsTable.update().where(
    COLUMNS.asset_key == sa.bindparam("of_asset"),
    COLUMNS.check_name == sa.bindparam("of_check"),
    COLUMNS.run_id == sa.bindparam("of_run"),
    COLUMNS.partition.is_not_distinct_from(sa.bindparam("of_partition")),
)


def insert_planned(
    connection: sa.Connection, event: dg.EventLogEntry, id: int, row: Mapping[str, Any]
) -> None:
    """A row for each partition of the check that `event` plans; `row` is that of the event."""
    planned: Any = event.get_dagster_event().event_specific_data
    keys = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
    common = {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "run_id": event.run_id,
        "execution_status": Status.PLANNED.value,
    }
    connection.execute(INSERT, [{**common, **_evidence(id, row), "partition": key} for key in keys])


def update_evaluated(
    connection: sa.Connection, event: dg.EventLogEntry, id: int, row: Mapping[str, Any]
) -> bool:
    """The result in the row that the run planned; False where that is not one row."""
    evaluation: Any = event.get_dagster_event().event_specific_data
    target = evaluation.target_materialization_data
    values = {
        "of_asset": evaluation.asset_key.to_string(),
        "of_check": evaluation.check_name,
        "of_run": event.run_id,
        "of_partition": evaluation.partition,
        "execution_status": (Status.SUCCEEDED if evaluation.passed else Status.FAILED).value,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
    return connection.execute(UPDATE, {**values, **_evidence(id, row)}).rowcount == 1


def _evidence(id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": id,
    }
