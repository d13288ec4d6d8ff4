"""Which mechanism tells the new rows of a dataset: by what its catalog names for this kind of database, and nothing else, so
that the same files always choose the same one. Whether the database has it is asked by the horizon's `check`."""

from collections.abc import Callable
from importlib.util import find_spec

from export_pipelines.catalog import Dataset
from export_pipelines.errors import RequestError, not_installed
from export_pipelines.streaming.horizon import Mechanism

MARIADB = ("mariadb", "mysql")
EXACT = {
    "postgresql": "add a column `xid8 NOT NULL DEFAULT pg_current_xact_id()` with an index to {table}, and name it in the "
    "catalog: `stream: {{transaction: COLUMN}}`",
    "sqlite": "give {table} a column INTEGER PRIMARY KEY AUTOINCREMENT, and name it in the catalog: `stream: {{key: COLUMN}}`",
    **dict.fromkeys(
        MARIADB, "let the server write a binlog, and say so in the catalog: `stream: {{binlog: true}}`"
    ),
}
SETTLE = "say in the export how long a transaction may last: `stream: {{settle: 10 s}}`"


def choose_mechanism(dataset: Dataset, source_url: str, settle_s: float | None) -> Mechanism:
    """The mechanism for the dataset in the database of `source_url`; nothing is opened. `settle_s` is how long a transaction
    may last where rows are told by their time. Raises RequestError where neither is said."""
    kind = source_url.split(":", 1)[0].split("+", 1)[0]
    for choose in CHOICES:
        mechanism = choose(dataset, source_url, kind, settle_s)
        if mechanism is not None:
            return mechanism
    exact = EXACT.get(kind)
    raise RequestError(
        f"nothing tells which rows of {dataset.table} are new",
        where=f"the dataset {dataset.name}",
        remedy="; or ".join(text.format(table=dataset.table) for text in (exact, SETTLE) if text),
    )


# Each mechanism is imported when it is chosen, and its driver with it.
def _snapshots(dataset: Dataset, url: str, kind: str, _: float | None) -> Mechanism | None:
    if kind != "postgresql" or dataset.stream.transaction is None:
        return None
    from export_pipelines.streaming.horizons.snapshots import Snapshots

    return Snapshots(dataset, url)


def _growing_key(dataset: Dataset, url: str, kind: str, _: float | None) -> Mechanism | None:
    if kind != "sqlite" or dataset.stream.key is None or dataset.stream.change is not None:
        return None  # a changed row keeps its key
    from export_pipelines.streaming.horizons.growing_key import GrowingKey

    return GrowingKey(dataset, url)


def _binlog(dataset: Dataset, url: str, kind: str, _: float | None) -> Mechanism | None:
    if kind not in MARIADB or not dataset.stream.binlog:
        return None
    if find_spec("pymysqlreplication") is None:
        raise not_installed("mysql-replication", "mariadb-binlog", f"the dataset {dataset.name}")
    from export_pipelines.streaming.horizons.binlog import Binlog

    return Binlog(dataset, url)


def _look_back(dataset: Dataset, url: str, _: str, settle_s: float | None) -> Mechanism | None:
    if settle_s is None:
        return None
    from export_pipelines.streaming.horizons.look_back import LookBack

    return LookBack(dataset, url, settle_s)


Choose = Callable[[Dataset, str, str, float | None], Mechanism | None]
CHOICES: tuple[Choose, ...] = (_snapshots, _growing_key, _binlog, _look_back)
