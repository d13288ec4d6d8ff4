#!/usr/bin/env bash
# CPython 3.11: a thread whose `join` was left by a KeyboardInterrupt counts as ended, although it runs: `is_alive()` is False, and
# whoever joins it again does not wait. So `ThreadPoolExecutor.shutdown()`, called again after an interrupt to let the work in hand end,
# returns at once, and so do the joins at the end of the interpreter: the process is gone in the middle of an upload, without an error.
# Who has to wait after an interrupt waits for the future (`concurrent.futures.wait`), not for the thread.
# Seen: the lines below.
set -euo pipefail
python=${PYTHON:-python3}
"$python" -V
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >joined.py <<'P'
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait


def upload():
    time.sleep(2)
    print("  uploaded", flush=True)


signal.signal(signal.SIGINT, signal.default_int_handler)
pool = ThreadPoolExecutor(1)
sent = pool.submit(upload)
(worker,) = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    wait([sent]) if "future" in sys.argv else pool.shutdown()
except KeyboardInterrupt:
    print("  interrupted; the thread is alive:", worker.is_alive(), flush=True)
wait([sent]) if "future" in sys.argv else pool.shutdown()
print("  ended; the work is done:", sent.done(), flush=True)
P
for way in thread future; do
    echo "waiting for the $way"
    "$python" joined.py "$way"
done >seen
cat seen
diff seen - <<'S'
waiting for the thread
  interrupted; the thread is alive: False
  ended; the work is done: False
waiting for the future
  interrupted; the thread is alive: True
  uploaded
  ended; the work is done: True
S
