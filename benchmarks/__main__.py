"""All benchmarks, one after the other, and one table of every bar: `make bench`."""

from benchmarks import bench_dagster, bench_delivery, bench_mariadb, bench_postgresql, bench_sqlite
from benchmarks.harness import all_bars

ALL = (bench_sqlite, bench_postgresql, bench_mariadb, bench_dagster, bench_delivery)

if __name__ == "__main__":
    all_bars([one for benchmark in ALL for one in benchmark.main()])
