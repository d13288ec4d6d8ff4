"""A run that ended is asked for again: Dagster's daemon executes it anew, with all its steps, for what these tags say."""

from dagster._core.storage.tags import MAX_RETRIES_TAG, RETRY_ON_ASSET_OR_OP_FAILURE_TAG, RETRY_STRATEGY_TAG

from export_pipelines.orchestration.run_tags import LOST_TAG

MAX_LOST = 10  # workers that one window may lose; then it is the window that kills them


def tags_of_run_again(run_id: str) -> dict[str, str]:
    """To be on the run when its failure is reported."""
    return {
        LOST_TAG: run_id,
        MAX_RETRIES_TAG: str(MAX_LOST),
        RETRY_ON_ASSET_OR_OP_FAILURE_TAG: "false",  # the run in its place has these tags too, and may fail by itself
        RETRY_STRATEGY_TAG: "ALL_STEPS",
    }
