"""What a run on a cluster costs each of its parts: CPU seconds, and counts of what it asks of them. Not held against a bar: the
figures are those of docs/scale.md, and what `benchmarks.cluster_year` computes with."""

import argparse
import os
import re
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.bench_cluster import PATIENCE_S
from export_pipelines.settings import driver_url
from export_pipelines_servers.cluster.cluster import LOGS, START, STORE, Cluster, cluster
from export_pipelines_servers.cluster.faults import ENDED

SETTLE_S = 60.0  # workers load what they need, sensors tick for the first time
TICKS = os.sysconf("SC_CLK_TCK")
STATEMENT = re.compile(r"^(\w+) LOG:  (?:statement|execute [^:]*): ", re.MULTILINE)
CONNECTION = re.compile(r"^.*connection authorized: .* database=(\w+)", re.MULTILINE)
LOGGING = {"log_statement": "all", "log_connections": "authorization", "log_line_prefix": "%%d "}
DATABASES = ("dagster", "ledger", "leads")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--runs", type=int, default=12)
    arguments.add_argument("--per-run", type=int, default=1, help="partitions of a run")
    arguments.add_argument("--leads", type=int, default=1000, help="of a day")
    arguments.add_argument("--idle", type=float, default=60, help="seconds without a run")
    options = arguments.parse_args()
    partitions = options.runs * options.per_run
    with cluster(options.workers, options.leads * partitions, partitions, options.per_run) as running:
        _log_statements(running)
        time.sleep(SETTLE_S)
        before = figures(running)
        time.sleep(options.idle)
        idle = {name: value / options.idle for name, value in difference(before, figures(running)).items()}
        began, before = time.monotonic(), figures(running)
        days = [(START + timedelta(days=n)).isoformat() for n in range(partitions)]
        backfill = running.backfill("daily", days)
        running.until(lambda: running.status(backfill) in ENDED, PATIENCE_S, 2.0)
        seconds = time.monotonic() - began
        taken = difference(before, figures(running))
        assert all(run["status"] == "SUCCESS" for run in running.runs()), running.logs()
    print(
        f"{options.runs} runs of {options.per_run} partitions of {options.leads} leads, {options.workers} workers"
    )
    print("| figure | a second, idle | a run |\n|---|---|---|")
    for name, value in taken.items():
        a_run = (value - idle[name] * seconds) / options.runs
        print(f"| {name} | {idle[name]:.4f} | {a_run:.3f} |")


def figures(running: Cluster) -> dict[str, float]:
    """So far, of everything that is counted."""
    daemon, web = running.control.processes[:2]
    workers = [process.pid for machine in running.workers for process in machine.processes]
    log = (running.postgresql.home.folder / "data" / "log").read_text(errors="replace")
    assert running.broker.process and running.s3.process
    return {
        "CPU s, workers": cpu_seconds(workers),
        "CPU s, daemon and code server": cpu_seconds([daemon.pid]),
        "CPU s, web server": cpu_seconds([web.pid]),
        "CPU s, PostgreSQL": cpu_seconds([_postmaster(running)]),
        "CPU s, Redis": cpu_seconds([running.broker.process.pid]),
        "CPU s, store": cpu_seconds([running.s3.process.pid]),
        **_counts("statements", STATEMENT.findall(log)),
        **_counts("sessions", CONNECTION.findall(log)),
        "commands of Redis": _redis_commands(running),
        "events": _scalar(running, "SELECT count(*) FROM event_logs"),
        "bytes of events, with indexes": _scalar(running, "SELECT pg_total_relation_size('event_logs')"),
        "objects in the store, without logs": _objects(running, STORE),
        "objects of logs": _objects(running, LOGS),
    }


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in after.items()}


def cpu_seconds(sessions: Collection[int]) -> float:
    """Of all processes of these sessions, and of those of their children that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) in sessions:
                ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def _counts(what: str, databases: Iterable[str]) -> dict[str, float]:
    listed = list(databases)
    return {f"{what} at {name}": listed.count(name) for name in DATABASES}


def _postmaster(running: Cluster) -> int:
    """Its processes are of one session."""
    pid = int((running.postgresql.home.folder / "data" / "postmaster.pid").read_text().split()[0])
    return os.getsid(pid)


def _log_statements(running: Cluster) -> None:
    engine = sa.create_engine(driver_url(running.postgresql.url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, value in LOGGING.items():
            connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = '{value}'")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


def _scalar(running: Cluster, query: str) -> float:
    engine = sa.create_engine(driver_url(running.databases["dagster"]))
    with engine.connect() as connection:
        value: Any = connection.exec_driver_sql(query).scalar_one()
    engine.dispose()
    return float(value)


def _redis_commands(running: Cluster) -> float:
    import redis

    with redis.Redis.from_url(running.broker.url) as client:
        return float(client.info("stats")["total_commands_processed"])


def _objects(running: Cluster, bucket: str) -> float:
    pages = running.s3.bucket(bucket).client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return float(sum(page["KeyCount"] for page in pages))


if __name__ == "__main__":
    main()
