"""Leads from PostgreSQL over 1, 2 and 4 connections: where the link of each is the limit, and what they cost where nothing is."""

import argparse
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil
import psycopg
from sqlalchemy.engine import make_url

from benchmarks.harness import Judged, Result, all_bars, piece
from benchmarks.stores import fill_postgresql
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_servers.slow_connections import slow_connections

LEADS, CONNECTIONS = 200_000, (1, 2, 4)
WORK = "plain csv.gz"
BYTES_PER_S, LATENCY_S = 4e6, 0.02
FASTER = {2: 1.9, 4: 3.6}
MOST_CPU = 1.1


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--mb-per-s", type=float, default=BYTES_PER_S / 1e6)
    options = arguments.parse_args()
    with postgresql() as url:
        fill_postgresql(url, options.leads)
        return [*_over_links(url, options.runs, options.mb_per_s * 1e6), *_cpu(url, options.runs)]


def _over_links(url: str, runs: int, rate: float) -> Iterator[Judged]:
    address = make_url(url)
    link = f"{rate / 1e6:g} MB/s and {LATENCY_S * 1000:g} ms for each connection"
    with slow_connections(address.port or 0, rate, LATENCY_S) as port:
        slow = address.set(port=port).render_as_string(False)
        seconds = _medians(runs, lambda number: _piece(number, slow).seconds)
    print(f"{WORK}, {link}; medians of {runs} runs\n| connections | seconds | times as fast |\n|---|---|---|")
    for number, spent in seconds.items():
        print(f"| {number} | {spent:.2f} | {seconds[1] / spent:.2f} |")
    for number, least in FASTER.items():
        faster = seconds[1] / seconds[number]
        verdict = "met" if faster >= least else "missed"
        yield Judged(link, f"{number} connections", f">= {least:g} x", f"{faster:.2f} x", verdict)


def _cpu(url: str, runs: int) -> Iterator[Judged]:
    """Of the program and of the server, which no load of others changes much."""

    def spent(number: int) -> float:
        with _cpu_of_server(url) as server:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            _piece(number, url)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + server[0]

    seconds = _medians(runs, spent)
    print(f"{WORK}, a plain local source\n| connections | seconds of CPU | ratio |\n|---|---|---|")
    for number, cpu in seconds.items():
        print(f"| {number} | {cpu:.2f} | {cpu / seconds[1]:.2f} |")
    for number in CONNECTIONS[1:]:
        ratio = seconds[number] / seconds[1]
        verdict = "met" if ratio <= MOST_CPU else "missed"
        yield Judged(
            "plain local source, CPU",
            f"{number} connections",
            f"<= {MOST_CPU:g} x",
            f"{ratio:.2f} x",
            verdict,
        )


def _medians(runs: int, measured: Callable[[int], float]) -> dict[int, float]:
    values: dict[int, list[float]] = {number: [] for number in CONNECTIONS}
    for _ in range(runs):
        for number in CONNECTIONS:
            values[number].append(measured(number))
    return {number: median(each) for number, each in values.items()}


def _piece(connections: int, url: str) -> Result:
    return piece(f"{WORK} over {connections}", url)


@contextmanager
def _cpu_of_server(url: str) -> Iterator[list[float]]:
    """Gives the seconds when it ends: those of the server and of its connections that have ended."""
    with psycopg.connect(url) as connection:
        ((folder,),) = connection.execute("SHOW data_directory")
    pid = int((Path(folder) / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    server, seconds = psutil.Process(pid), [0.0]
    before = sum(server.cpu_times()[:4])
    yield seconds
    seconds[0] = sum(server.cpu_times()[:4]) - before


if __name__ == "__main__":
    all_bars(main())
