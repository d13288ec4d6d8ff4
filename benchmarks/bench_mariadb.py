"""1,000,000 leads from MariaDB: the program's stream against `mariadb --quick --batch`, its lines thrown away."""

from benchmarks.timing import DAYS, FIRST_DAY, SEED, asked, compare
from export_pipelines_tests.servers.mariadb import mariadb

BARS = {"csv.gz": 1.3}


def main() -> None:
    from export_pipelines.sample import generate_leads

    given = asked(__doc__)
    with mariadb("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=512M") as url:
        print(f"making {given.leads:,} leads ...", flush=True)
        generate_leads(url, given.leads, SEED, FIRST_DAY, DAYS)
        compare(given, url, BARS)


if __name__ == "__main__":
    main()
