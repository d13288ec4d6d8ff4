"""The pieces of work that are timed, each run as `python -m benchmarks.work NAME STORE_URL` in a process of its own."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

EXPORT = """\
type: lead
format: {format}
fields: all
compression: {codec}
limits: {{bytes: 50 GB}}
{privacy}
"""
MASKED = (
    "privacy: {email: hash, email_2: hash, phone_1: mask, phone_2: mask, phone_3: mask, last_name: tokenize}"
)
# the wide objects are left out where masks are timed alone: to look for a masked value inside them is another work
WORK = {
    "driver alone": ("csv", "gzip", ""),
    "csv.gz": ("csv", "gzip", ""),
    "json.gz": ("json", "gzip", ""),
    "csv.gz masked": ("csv", "gzip", MASKED),
    "parquet zstd": ("parquet", "zstd", ""),
}


def main() -> None:
    name, url = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_of(name, url.partition(":")[0], Path(folder))
        began = time.perf_counter()
        size = (
            FETCH[plan.extract.dialect](plan, url)
            if name == "driver alone"
            else export(plan, url, Path(folder))
        )
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory_mb": memory, "bytes": size}))


def plan_of(name: str, dialect: str, folder: Path):
    from export_pipelines.catalog import load_catalog
    from export_pipelines.definition import load_definition
    from export_pipelines.plan import PlanRequest, compile_plan
    from export_pipelines.plan.window import window_between

    form, codec, privacy = WORK[name]
    path = folder / "bench.yaml"
    path.write_text(EXPORT.format(format=form, codec=codec, privacy=privacy), encoding="utf-8")
    catalog = load_catalog(None)
    window = window_between(datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
    keys = frozenset({"HASH_KEY", "MASTER_KEY"})
    return compile_plan(PlanRequest(load_definition(path, catalog), window, catalog, dialect, keys))


def fetch_sqlite(plan, url: str) -> int:
    """The driver alone: the same SELECT, its batches thrown away."""
    import adbc_driver_sqlite.dbapi as adbc

    query, size = plan.masking.query, 0
    path = url.removeprefix("sqlite:///")
    texts = ", ".join("''" for _ in query.columns)
    with adbc.connect(f"file:{path}?mode=ro") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {texts} UNION ALL SELECT * FROM ({query.sql} LIMIT -1)", query.parameters)
        for batch in cursor.fetch_record_batch():
            size += batch.nbytes
    return size


def fetch_mariadb(plan, url: str) -> int:
    """The server's own client, which throws its lines away."""
    from sqlalchemy.engine import make_url

    from export_pipelines.stream.read_mariadb import inlined

    query, server = plan.masking.query, make_url(url)
    subprocess.run(
        [
            "mariadb", "--no-defaults", "--quick", "--batch", f"--host={server.host}", f"--port={server.port}",
            f"--user={server.username}", "--default-character-set=utf8mb4", server.database,
        ],
        input=inlined(query.sql, query.parameters).encode(), stdout=subprocess.DEVNULL, check=True,
        env=os.environ | {"MYSQL_PWD": server.password},
    )  # fmt: skip
    return 0


FETCH = {"sqlite": fetch_sqlite, "mariadb": fetch_mariadb}


def export(plan, url: str, folder: Path) -> int:
    """The whole way: count, read, mask, encode, compress, store, commit."""
    from export_pipelines.artifacts import open_store
    from export_pipelines.pipeline import run_export
    from export_pipelines.stream import Keys, open_source

    keys = Keys(hash_key=b"bench" * 8, master_key=b"bench" * 8)
    store = open_store(str(folder / "store"))
    manifest = run_export(
        plan, open_source(url), store, keys, lambda: datetime.now(UTC), "20240101T000000Z-abcdef"
    )
    return manifest.bytes


if __name__ == "__main__":
    main()
