"""1,000,000 leads from PostgreSQL: the program's stream against `psql COPY`, which is the server alone, and against Sling.

It starts a server of its own. Sling is found on the path or named in BENCH_SLING.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from benchmarks.harness import Bar, Judged, Work, all_bars, compare, installed, piece, program
from benchmarks.stores import fill_postgresql
from benchmarks.work import plan_of
from export_pipelines.read.postgresql import inlined
from export_pipelines_servers.postgresql import postgresql

LEADS = 1_000_000
TABLES = {  # work by the SELECT that it begins with
    "all 52 columns": ("csv.gz", "csv.gz masked", "json.gz"),
    "24 columns of one table": ("plain csv.gz", "plain csv.gz masked", "plain json.gz"),
}
PSQL, SLING = "psql COPY", "Sling csv.gz"


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    judged = []
    with tempfile.TemporaryDirectory() as folder, postgresql() as url:
        print(f"loading {options.leads:,} leads ...", flush=True)
        fill_postgresql(url, options.leads)
        for title, ours in TABLES.items():
            csv, masked, json = ours
            work: Work = {
                **peers(csv, url, Path(folder)),
                **{name: partial(piece, name, url) for name in ours},
            }
            bars = {
                csv: Bar(PSQL, most=1.15),
                masked: Bar(PSQL, most=1.1),
                json: Bar(PSQL, most=1.5),
                SLING: Bar(csv, least=5),
            }
            judged += compare(f"PostgreSQL, {options.leads:,} leads, {title}", work, options.runs, bars, ours)
    return judged


def peers(name: str, url: str, folder: Path) -> Work:
    """Other programs at the SELECT of that work."""
    plan = plan_of(name, folder, "postgresql")
    sql = inlined(plan.query.sql, plan.query.values)
    address = make_url(url)
    password = {"PGPASSWORD": str(address.password)}
    bare = f"postgresql://{address.username}@{address.host}:{address.port}/{address.database}"
    copy = f"COPY ({sql}) TO STDOUT (FORMAT csv)"
    work = {}
    if psql := installed("psql"):
        work[PSQL] = partial(program, psql, bare, "-c", copy, environment=password)
        piped = f'{psql} "{bare}" -f {folder}/copy.sql | gzip -6'
        (folder / "copy.sql").write_text(copy, encoding="utf-8")
        work["psql COPY, gzip"] = partial(program, "bash", "-c", piped, environment=password)
    if sling := installed("sling"):
        address = address.set(query={"sslmode": "disable"})
        target = f"file://{folder}/sling.csv.gz"
        environment = {"BENCH": address.render_as_string(hide_password=False), "SLING_HOME_DIR": str(folder)}
        command = (sling, "run", "--src-conn", "BENCH", "--src-stream", sql, "--tgt-object", target)
        work[SLING] = partial(program, *command, environment=environment)
    return work


if __name__ == "__main__":
    all_bars(main())
