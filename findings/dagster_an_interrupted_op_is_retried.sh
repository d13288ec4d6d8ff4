#!/usr/bin/env bash
# Dagster 1.13.27: an op with a RetryPolicy is retried when a person interrupts it. Ctrl-C, or SIGTERM of whoever ends the
# process, in the middle of such an op is taken for a reason to try again: the job sleeps the policy's delay, runs the op
# once more, does all that follows it, and ends with success. Without a policy the same interrupt fails the job at once.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" - 2>/dev/null <<'P' | tee "$folder/seen"
import os
import signal
import time

import dagster as dg

def run(policy):
    attempts = []

    @dg.op(retry_policy=policy)
    def deliver():
        attempts.append(1)
        if len(attempts) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)

    @dg.job
    def export():
        deliver()

    try:
        ended = "success" if export.execute_in_process(raise_on_error=False).success else "failure"
    except BaseException as error:
        ended = type(error).__name__
    return f"{len(attempts)} attempts, then {ended}"

print("with a policy:", run(dg.RetryPolicy(max_retries=2, delay=0.1)))
print("without:", run(None))
P
diff "$folder/seen" - <<'SEEN'
with a policy: 2 attempts, then success
without: 1 attempts, then failure
SEEN
