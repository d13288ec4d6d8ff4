"""Which mechanism tells the new rows of a dataset: by what its catalog names for this kind of database, and nothing else, so
that the same files always choose the same one. Whether the database has it is asked by the horizon's `check`."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from export_pipelines.catalog import Dataset
from export_pipelines.definition.stream import RetainedWal
from export_pipelines.errors import RequestError, not_installed
from export_pipelines.streaming.horizon import Mechanism

MARIADB = ("mariadb", "mysql")
EXACT = {
    "postgresql": "add a column `xid8 NOT NULL DEFAULT pg_current_xact_id()` with an index to {table}, and name it in the "
    "catalog: `stream: {{transaction: COLUMN}}`, or make a publication for {table}, and name that: `stream: {{publication: NAME}}`",
    "sqlite": "give {table} a column INTEGER PRIMARY KEY AUTOINCREMENT, and name it in the catalog: `stream: {{key: COLUMN}}`",
    **dict.fromkeys(
        MARIADB, "let the server write a binlog, and say so in the catalog: `stream: {{binlog: true}}`"
    ),
}
SETTLE = "say in the export how long a transaction may last: `stream: {{settle: 10 s}}`"


@dataclass(frozen=True)
class Asked:
    """What a mechanism is chosen by: the `kind` of the database, what the catalog names, and `settle_s` and `wal` of the export."""

    dataset: Dataset
    url: str
    kind: str
    settle_s: float | None
    wal: RetainedWal


def choose_mechanism(
    dataset: Dataset, source_url: str, settle_s: float | None, wal: RetainedWal | None = None
) -> Mechanism:
    """The mechanism for the dataset in the database of `source_url`; nothing is opened. `settle_s` is how long a transaction
    may last where rows are told by their time, `wal` bounds what a replication slot keeps. Raises RequestError where nothing
    is said."""
    kind = source_url.split(":", 1)[0].split("+", 1)[0]
    asked = Asked(dataset, source_url, kind, settle_s, wal or RetainedWal())
    for choose in CHOICES:
        mechanism = choose(asked)
        if mechanism is not None:
            return mechanism
    exact = EXACT.get(kind)
    raise RequestError(
        f"nothing tells which rows of {dataset.table} are new",
        where=f"the dataset {dataset.name}",
        remedy="; or ".join(text.format(table=dataset.table) for text in (exact, SETTLE) if text),
    )


# Each mechanism is imported when it is chosen, and its driver with it.
def _snapshots(asked: Asked) -> Mechanism | None:
    if asked.kind != "postgresql" or asked.dataset.stream.transaction is None:
        return None
    from export_pipelines.streaming.horizons.snapshots import Snapshots

    return Snapshots(asked.dataset, asked.url)


def _replication(asked: Asked) -> Mechanism | None:
    if asked.kind != "postgresql" or asked.dataset.stream.publication is None:
        return None
    from export_pipelines.streaming.horizons.replication import Replication

    return Replication(asked.dataset, asked.url, asked.wal)


def _growing_key(asked: Asked) -> Mechanism | None:
    stream = asked.dataset.stream
    if asked.kind != "sqlite" or stream.key is None or stream.change is not None:
        return None  # a changed row keeps its key
    from export_pipelines.streaming.horizons.growing_key import GrowingKey

    return GrowingKey(asked.dataset, asked.url)


def _binlog(asked: Asked) -> Mechanism | None:
    if asked.kind not in MARIADB or not asked.dataset.stream.binlog:
        return None
    if find_spec("pymysqlreplication") is None:
        raise not_installed("mysql-replication", "mariadb-binlog", f"the dataset {asked.dataset.name}")
    from export_pipelines.streaming.horizons.binlog import Binlog

    return Binlog(asked.dataset, asked.url)


def _look_back(asked: Asked) -> Mechanism | None:
    if asked.settle_s is None:
        return None
    from export_pipelines.streaming.horizons.look_back import LookBack

    return LookBack(asked.dataset, asked.url, asked.settle_s)


Choose = Callable[[Asked], Mechanism | None]
CHOICES: tuple[Choose, ...] = (_snapshots, _replication, _growing_key, _binlog, _look_back)
