"""The sample stores that are exported: made at the first call and kept in HOME/bench, or loaded into a server."""

import csv
import io
import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

DAYS, SEED = 365, 7
FIRST_DAY = date(2023, 1, 1)
ROWS = 20_000
TABLES = ("flows", "sources", "recipients", "leads")


def sample_sqlite(leads: int) -> str:
    """The URL of a SQLite store of that size."""
    from export_pipelines.sample import generate_leads
    from export_pipelines.settings import Settings, project_root

    folder = Settings.load(os.environ, project_root(os.environ)).home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"leads_{leads}.db"
    if not path.exists():
        print(f"making {leads:,} leads in {path} ...", flush=True)
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        generate_leads(f"sqlite:///{making}", leads, SEED, FIRST_DAY, DAYS)
        making.rename(path)
    return f"sqlite:///{path}"


def fill_postgresql(url: str, leads: int) -> None:
    """The same leads, copied from the SQLite store."""
    import psycopg

    from export_pipelines.lead_store.store import create_store

    create_store(url)
    with (
        closing(sqlite3.connect(Path(sample_sqlite(leads).removeprefix("sqlite:///")))) as store,
        psycopg.connect(url) as connection,
    ):
        for table in TABLES:
            rows = store.execute(f"SELECT * FROM {table}")
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, NULL '\\N')") as copy:
                while chunk := rows.fetchmany(ROWS):
                    copy.write(_csv(chunk))
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _csv(rows: list[tuple[Any, ...]]) -> str:
    """Every cell quoted but null, which is \\N."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [["\0" if cell is None else cell for cell in row] for row in rows]
    )
    return text.getvalue().replace('"\0"', "\\N")
