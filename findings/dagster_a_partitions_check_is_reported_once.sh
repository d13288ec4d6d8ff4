#!/usr/bin/env bash
# Dagster 1.13.27: instance.report_runless_asset_event takes an asset check's evaluation for a partition once. A second one for
# the same check and partition, as when a failed delivery has arrived after all, ends with sqlalchemy's IntegrityError: the
# table of evaluations is unique by asset, check, run and partition, and all evaluations without a run share one empty run id.
# Without a partition any number is taken, since null is not equal to null. Reported as an event of a run
# (instance.report_dagster_event with an ASSET_CHECK_EVALUATION and the run's id) it is taken each time.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" - 2>/dev/null <<'P' | tee "$folder/seen"
import dagster as dg

KEY = dg.AssetKey("leads")

def reported(partition):
    told = []
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in (False, True):
            evaluation = dg.AssetCheckEvaluation(asset_key=KEY, check_name="delivered", passed=passed, partition=partition)
            try:
                instance.report_runless_asset_event(evaluation)
                told.append("taken")
            except Exception as error:
                told.append(type(error).__name__)
    return ", ".join(told)

print("for no partition:", reported(None))
print("for a partition:", reported("2024-01-15"))
P
diff "$folder/seen" - <<'S'
for no partition: taken, taken
for a partition: taken, IntegrityError
S
