#!/usr/bin/env bash
# Dagster 1.13.27: where its event storage is away for the moment of one event, the op that runs then has failed: for good, though it
# has a retry policy, and though it did nothing wrong. The run's failure has the reason STEP_FAILURE, so that run retries that
# leave out failures of ops (`retry_on_asset_or_op_failure: false`, as for workers that die) leave out this one as well. The same
# error raised inside the op is tried again.
# Seen: the lines below; the storage is away for the event that the second op has its input.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
cat > "$folder/job.py" <<'P'
import sys

import dagster as dg
import sqlalchemy as sa
from dagster._core.test_utils import instance_for_test

away = sa.exc.OperationalError("INSERT", None, OSError("server closed the connection"))
where = sys.argv[1]
tried = []

@dg.op(retry_policy=dg.RetryPolicy(max_retries=3))
def second(first):
    tried.append(first)
    if where == "in the op" and len(tried) == 1:
        raise away

@dg.op
def first():
    return 1

@dg.job
def job():
    second(first())

retries = {"enabled": True, "max_retries": 3, "retry_on_asset_or_op_failure": False}
with instance_for_test(overrides={"run_retries": retries}) as instance:
    store, left = instance.event_log_storage.store_event, [1]

    def stored(event):
        is_input = event.is_dagster_event and event.dagster_event.event_type_value == "STEP_INPUT"
        if where == "in the storage" and is_input and left:
            left.pop()
            raise away
        store(event)

    instance.event_log_storage.store_event = stored
    run = job.execute_in_process(instance=instance, raise_on_error=False)
    tags = instance.get_run_by_id(run.run_id).tags
    again = sum(event.is_step_up_for_retry for event in run.all_events)
    reason, will = (tags.get(f"dagster/{name}") for name in ("failure_reason", "will_retry"))
    print(f"away {where}: success {run.success}, op tried again {again} times, reason {reason}, will_retry {will}")
P
for where in "in the op" "in the storage"; do
    DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" "$folder/job.py" "$where" 2>/dev/null
done | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
away in the op: success True, op tried again 1 times, reason None, will_retry None
away in the storage: success False, op tried again 0 times, reason STEP_FAILURE, will_retry false
SEEN
