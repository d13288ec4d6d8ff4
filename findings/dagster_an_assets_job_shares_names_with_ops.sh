#!/usr/bin/env bash
# Dagster 1.13.27: names of ops, graphs and jobs are one namespace of the whole code location. A job over an asset that has
# the name of an op anywhere in another job, and a name that is a Python keyword, are accepted where they are defined
# (`define_asset_job` checks nothing) and refused only when the location is loaded, so that one such name stops every
# other job, asset and schedule with it. A program that makes jobs of what people name must know all its own op names.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
DAGSTER_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import dagster as dg

@dg.op
def send(): ...

@dg.job
def deliver():
    send()

@dg.asset
def leads(): ...

for name in ("leads_job", "send", "class"):
    job = dg.define_asset_job(name, selection=[leads])
    print(name, "is defined,", end=" ")
    try:
        dg.Definitions.validate_loadable(dg.Definitions(assets=[leads], jobs=[deliver, job]))
        print("loads")
    except dg.DagsterInvalidDefinitionError as error:
        print("stops all:", str(error).split(".")[0])
P
diff "$folder/seen" - <<'SEEN'
leads_job is defined, loads
send is defined, stops all: Conflicting definitions found in repository with name 'send'
class is defined, stops all: Failed to resolve asset job class
SEEN
