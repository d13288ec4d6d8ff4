"""Downloads of one file over loopback by curl, plain and sealed, against nginx; fifty at once, and the memory they take."""

import argparse
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.harness import Bar, Judged, Result, all_bars, compare, program
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.project import Project
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.packages import program as installed
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.service.serving import make_keys, make_project, serving

MEGABYTES, AT_ONCE, AT_ONCE_MB = 1000, 50, 300
NAME = "leads_part_1.csv"
NGINX, PLAIN, SEALED = "nginx", "plain", "sealed"
BARS = {
    PLAIN: Bar(NGINX, most=1 / 0.7),
}
SEALED_MB_S = 300
CONFIG = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 100; }}
http {{
  access_log off; sendfile on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=MEGABYTES)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return _measured(Path(name), given.megabytes, given.runs)


def _measured(folder: Path, megabytes: int, runs: int) -> list[Judged]:
    environment = make_project(folder / "project", "sqlite:///none", None)
    block = os.urandom(1_000_000)
    opened = Project.open(folder / "project", dict(environment))
    key = make_keys(opened, (OPERATOR,))[OPERATOR]
    plain = stored(opened.store, {NAME: block * megabytes})
    environment[f"{PREFIX}MASTER_KEY"] = secrets.token_hex(32)
    opened = Project.open(folder / "project", dict(environment))
    sealed = stored(opened.store, {NAME: block * megabytes}, token="20240116T020000Z-ffffff")
    root = Path(opened.store.location(plain.artifact))
    with serving(folder / "project", environment) as (url, pid), _nginx(folder, root) as peer:
        urls = {
            kind: f"{url}/artifacts/{made.artifact}/files/{NAME}"
            for kind, made in ((PLAIN, plain), (SEALED, sealed))
        }
        _fetch(urls[PLAIN], key)  # proven once, as nginx's is cached
        work = {
            NGINX: partial(_fetch, f"{peer}/{NAME}", ""),
            **{kind: partial(_fetch, urls[kind], key, pid) for kind in (PLAIN, SEALED)},
        }
        judged = compare(f"download of {megabytes} MB", work, runs, BARS, ())
        began = time.perf_counter()
        _fetch(urls[SEALED], key)
        rate = megabytes / (time.perf_counter() - began)
        judged.append(
            _judged("download", SEALED, f">= {SEALED_MB_S} MB/s", f"{rate:.0f} MB/s", rate >= SEALED_MB_S)
        )
        for kind in (PLAIN, SEALED):
            peak = _many(urls[kind], key, pid)
            bar = f"<= {AT_ONCE_MB} MB"
            judged.append(
                _judged(f"{AT_ONCE} downloads at once", kind, bar, f"{peak:.0f} MB", peak <= AT_ONCE_MB)
            )
    return judged


def _judged(title: str, work: str, bar: str, measured: str, is_held: bool) -> Judged:
    return Judged(title, work, bar, measured, "met" if is_held else "missed")


def _fetch(url: str, key: str, pid: int | None = None) -> Result:
    header = ("-H", f"Authorization: Bearer {key}") if key else ()
    result = program("curl", "-fsS", *header, "-o", "/dev/null", url)
    return Result(result.seconds, _memory_mb(pid) if pid else 0)


def _many(url: str, key: str, pid: int) -> float:
    """The most memory of the service while so many readers of 2 MB/s are at it."""
    command = [
        "curl",
        "-fsS",
        "-m",
        "12",
        "--limit-rate",
        "2M",
        "-H",
        f"Authorization: Bearer {key}",
        "-o",
        "/dev/null",
        url,
    ]
    peak = 0.0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        ends = [
            threads.submit(subprocess.run, command, check=False, stderr=subprocess.DEVNULL)
            for _ in range(AT_ONCE)
        ]
        while not all(end.done() for end in ends):
            peak = max(peak, _memory_mb(pid))
            time.sleep(0.2)
    return peak


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def _nginx(folder: Path, root: Path) -> Iterator[str]:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text("user root;\n" + CONFIG.format(folder=folder, port=port, root=root))
    process = subprocess.Popen(
        [installed("nginx", "nginx-light"), "-c", str(config)], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    all_bars(main())
