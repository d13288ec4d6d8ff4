#!/usr/bin/env bash
# Dagster 1.13.27: a run that failed and has retries left is never retried where the daemon looks at the wrong moment. The failure
# is stored as an event first, and as the run's state and its tag `dagster/will_retry` afterwards; the daemon that retries reads
# new events, finds a run that has not failed yet, leaves it out without a word, and stores its cursor behind the event. The tag
# then says "true" for ever, and a backfill that waits for the retry never ends.
# Seen: the lines below, of a daemon that looks after both writes, and of one that looks between them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" - "$folder" 2>/dev/null <<'P' | tee "$folder/seen"
import sys
from types import SimpleNamespace

import dagster as dg
from dagster._core.test_utils import create_run_for_test, instance_for_test
from dagster._daemon.auto_run_reexecution import event_log_consumer

asked = []

def retries(_, records, __):
    """Stands where the daemon makes the new run: what it was told, as its own first step sorts it."""
    from dagster._daemon.auto_run_reexecution.auto_run_reexecution import filter_runs_to_should_retry
    asked.extend(filter_runs_to_should_retry([record.dagster_run for record in records], instance))
    return iter(())

class Daemon(event_log_consumer.EventLogConsumerDaemon):
    handle_updated_runs_fns = [retries]

def look():
    list(Daemon().run_iteration(SimpleNamespace(instance=instance)))

with instance_for_test(overrides={"run_retries": {"enabled": True, "max_retries": 3}}) as instance:
    look()  # begins at the end of the log
    for when in ("after both writes", "between them"):
        asked.clear()
        run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
        if when == "between them":
            store = instance.event_log_storage.store_event
            def stored(event):
                store(event)
                if event.is_dagster_event and event.dagster_event.event_type_value == "PIPELINE_FAILURE":
                    look()  # what the daemon, another process, may do at any moment
            instance.event_log_storage.store_event = stored
        instance.report_run_failed(run)
        instance.event_log_storage.__dict__.pop("store_event", None)
        look()
        will = instance.get_run_by_id(run.run_id).tags.get("dagster/will_retry")
        print(f"a look {when}: will_retry {will}, retried {len(asked)} times")
P
diff "$folder/seen" - <<'SEEN'
a look after both writes: will_retry true, retried 1 times
a look between them: will_retry true, retried 0 times
SEEN
