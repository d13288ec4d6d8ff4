"""All benchmarks, one after the other, and one table of every bar: `make bench`."""

from benchmarks import (
    bench_backfill,
    bench_changes,
    bench_dagster,
    bench_delivery,
    bench_mariadb,
    bench_postgresql,
    bench_ranges,
    bench_service,
    bench_sinks,
    bench_sqlite,
    bench_stream,
)
from benchmarks.harness import Judged, all_bars

ALL = (
    bench_sqlite,
    bench_changes,
    bench_postgresql,
    bench_ranges,
    bench_mariadb,
    bench_dagster,
    bench_backfill,
    bench_delivery,
    bench_service,
    bench_sinks,
    bench_stream,
)


def main() -> None:
    judged: list[Judged] = []
    try:
        for benchmark in ALL:
            judged += benchmark.main()
    finally:
        all_bars(judged)


if __name__ == "__main__":
    main()
