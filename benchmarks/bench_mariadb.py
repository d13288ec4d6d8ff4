"""1,000,000 leads from MariaDB: the program's stream against `mariadb --quick --batch`, which is the server and its client.

It starts a server of its own.
"""

import argparse
import shlex
import tempfile
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from benchmarks.harness import Bar, Judged, Work, all_bars, compare, installed, piece, program
from benchmarks.stores import DAYS, FIRST_DAY, SEED
from benchmarks.work import plan_of
from export_pipelines.read.mariadb.reader import inlined
from export_pipelines.sample import generate_leads
from export_pipelines_servers.mariadb import mariadb

LEADS = 1_000_000
OURS = ("csv.gz", "csv.gz masked", "json.gz")
CLIENT = "mariadb --quick"
BARS = {"csv.gz": Bar(CLIENT, most=1.3), "csv.gz masked": Bar("csv.gz", most=1.15)}


def main() -> list[Judged]:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--leads", type=int, default=LEADS)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", nargs="*", default=list(OURS))
    options = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        mariadb("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=512M") as url,
    ):
        print(f"making {options.leads:,} leads ...", flush=True)
        generate_leads(url, options.leads, SEED, FIRST_DAY, DAYS)
        work: Work = {
            **peer(url, Path(folder)),
            **{name: partial(piece, name, url) for name in options.work},
        }
        return compare(f"MariaDB, {options.leads:,} leads", work, options.runs, BARS, tuple(options.work))


def peer(url: str, folder: Path) -> Work:
    """The server's own client at the same SELECT."""
    client = installed("mariadb")
    if client is None:
        return {}
    plan, server = plan_of("csv.gz", folder, "mariadb"), make_url(url)
    script = folder / "select.sql"
    # the literals are spelled for a server that takes a backslash for itself
    mode = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n"
    script.write_text(mode + inlined(plan.query.sql, plan.query.values), encoding="utf-8")
    words = [
        client, "--no-defaults", "--quick", "--batch", f"--host={server.host}", f"--port={server.port}",
        f"--user={server.username}", "--default-character-set=utf8mb4", str(server.database),
    ]  # fmt: skip
    piped = f"{shlex.join(words)} < {script}"  # of a script that it is told to `source`, it forgives errors
    return {CLIENT: partial(program, "bash", "-c", piped, environment={"MYSQL_PWD": str(server.password)})}


if __name__ == "__main__":
    all_bars(main())
