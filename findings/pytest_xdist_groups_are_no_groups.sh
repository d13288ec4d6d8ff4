#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: `--dist loadgroup` keeps no group together. Tests that carry the same
# `pytest.mark.xdist_group` run on several workers, without a warning, so a server that the group was to share is started
# once a worker, and tests that must not run beside each other do. With pytest 9.1.0 the same tests run on one worker.
# Seen: how many of two workers ran six tests of one group.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat >"$folder/test_group.py" <<'P'
import os

import pytest


@pytest.mark.xdist_group("shared")
@pytest.mark.parametrize("number", range(6))
def test_of_the_group(number: int) -> None:
    print("ran on", os.environ["PYTEST_XDIST_WORKER"])
P
for version in 9.1.0 9.2.0; do
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "pytest==$version" 'pytest-xdist==3.8.0'
    workers=$(cd "$folder" && venv/bin/python -m pytest -n 2 --dist loadgroup -rP test_group.py | grep '^ran on' | sort -u | wc -l)
    echo "pytest $version: $workers of 2 workers"
done | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
pytest 9.1.0: 1 of 2 workers
pytest 9.2.0: 2 of 2 workers
SEEN
