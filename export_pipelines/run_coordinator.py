"""Dagster's queue of runs, by `run_coordinator` in dagster.yaml, whose daemon also looks more often at the backfills of the UI."""

from collections.abc import Mapping
from typing import Any, Self, cast

import dagster._daemon.controller
from dagster._config import Field, IntSource
from dagster._core.instance import DagsterInstance
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._serdes import ConfigurableClassData

from export_pipelines.errors import SettingsError

BACKFILL_INTERVAL = "backfill_interval_seconds"


class PromptRunCoordinator(QueuedRunCoordinator[DagsterInstance]):
    """Dagster looks every 30 s, by a constant: one day of an export took up to a minute, of which it worked for two seconds.
    The daemon makes this coordinator before its thread for backfills starts, which then reads that constant."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        settings = cast("dict[str, Any]", super().config_type())
        return settings | {BACKFILL_INTERVAL: Field(IntSource, default_value=5)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        seconds = config_value[BACKFILL_INTERVAL]
        if seconds < 1:
            raise SettingsError(
                f"{BACKFILL_INTERVAL}: {seconds} is not a number of seconds from 1 on",
                where="dagster.yaml",
                remedy="leave it out for 5, or write another",
            )
        dagster._daemon.controller.DEFAULT_DAEMON_INTERVAL_SECONDS = seconds
        return super().from_config_value(inst_data, config_value)
