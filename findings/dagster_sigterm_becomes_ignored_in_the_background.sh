#!/usr/bin/env bash
# Dagster 1.13.27 gives SIGTERM the handler of SIGINT each time that something was executed in the process. A shell script starts what
# it puts into the background with SIGINT ignored, so there one execution is enough to leave SIGTERM ignored as well: `kill` no longer
# ends the program, nor any program that it starts afterwards, since ignored signals are inherited. Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dagster==1.13.27'
cat >"$folder/executes.py" <<'P'
import signal
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")
import dagster as dg


@dg.op
def nothing() -> None: ...


@dg.job
def job() -> None:
    nothing()


def state() -> str:
    return "ignored" if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN else "ends the program"


before = state()
job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
with subprocess.Popen(["sleep", "30"]) as child:
    child.terminate()
    try:
        ended = f"ends it ({child.wait(3)})"
    except subprocess.TimeoutExpired:
        ended = "does not end it"
        child.kill()
print(f"{sys.argv[1]}: SIGTERM before: {before}, after an execution: {state()}; of a child: {ended}")
P
export DAGSTER_HOME='' PYTHONWARNINGS=ignore
cat >"$folder/script.sh" <<'S'
"$1" "$2" "in the background" &
wait
S
"$folder/venv/bin/python" - "$folder" >"$folder/seen" <<'P'
import signal
import subprocess
import sys

folder = sys.argv[1]
python, program = f"{folder}/venv/bin/python", f"{folder}/executes.py"
for command in ([python, program, "in the foreground"], ["sh", f"{folder}/script.sh", python, program]):
    subprocess.run(command, check=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), stderr=subprocess.DEVNULL)
P
cat "$folder/seen"
diff "$folder/seen" - <<'S'
in the foreground: SIGTERM before: ends the program, after an execution: ends the program; of a child: ends it (-15)
in the background: SIGTERM before: ends the program, after an execution: ignored; of a child: does not end it
S
