"""A whole cluster on this machine: three servers, a machine with daemon and web server, and machines with workers."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from export_pipelines.key_versions import PREFIX
from export_pipelines.sample import generate_leads
from export_pipelines.settings import driver_url
from export_pipelines_servers import s3
from export_pipelines_servers.cluster.machines import Machine, new_machine
from export_pipelines_servers.cluster.network import has_namespaces, network
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.postgresql import PostgresqlServer, postgresql_server
from export_pipelines_servers.redis import RedisServer, redis
from export_pipelines_servers.slow_link import slow_link

START = date(2024, 1, 1)
DATABASES = ("dagster", "ledger", "leads")
STORE, RECEIVER, LOGS = "cluster-store", "cluster-receiver", "cluster-logs"
UP_S = 120
EXPORT = """\
description: Leads of a day
owner: operations
type: lead
format: csv
compression: gzip
fields: [lead_id, submitted_at, email, state, outcome, price]
privacy: {{email: mask}}
partition: daily
start: {start}
deliver:
  - s3:
      bucket: {receiver}
      key: "{{{{export}}}}/{{{{date}}}}/"
      endpoint_url: {endpoint}
      access_key: {{env: S3_ACCESS_KEY}}
      secret_key: {{env: S3_SECRET_KEY}}
"""
LAUNCH = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
BACKFILL = "query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename ... on PartitionBackfill { status } } }"
TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"
LIMIT = "mutation($pool: String!, $limit: Int!) { setConcurrencyLimit(concurrencyKey: $pool, limit: $limit) }"
RUNS = """
query($limit: Int!) { runsOrError(limit: $limit) { ... on Runs { results {
  runId status parentRunId creationTime startTime endTime updateTime tags { key value } } } } }
"""


@dataclass
class Cluster:
    """`control` runs daemon and web server, each of `workers` a worker; `postgresql` and `broker` may be stopped and started."""

    folder: Path
    postgresql: PostgresqlServer
    databases: dict[str, str]
    broker: RedisServer
    s3: s3.S3Server
    control: Machine
    workers: list[Machine]
    port: int
    new_worker: Callable[[], Machine]

    @property
    def url(self) -> str:
        """Of the web server."""
        return f"http://{self.control.address}:{self.port}"

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer of Dagster's web server."""
        return ask(self.url, query, **variables)

    def backfill(self, export: str, days: list[str], **tags: str) -> str:
        """Starts a backfill of these partitions, as the UI does; its runs have `tags`."""
        return start_backfill(self.url, export, days, **tags)

    def status(self, backfill: str) -> str:
        return backfill_status(self.url, backfill)

    def runs(self) -> list[dict[str, Any]]:
        """Newest first."""
        return list(self.ask(RUNS, limit=1000)["runsOrError"]["results"])

    def runs_of(self, backfill: str) -> list[dict[str, Any]]:
        tag = {"key": "dagster/backfill", "value": backfill}
        return [run for run in self.runs() if tag in run["tags"]]

    def limit_pool(self, pool: str, limit: int) -> None:
        self.ask(LIMIT, pool=pool, limit=limit)

    def terminate(self, run_id: str) -> None:
        answer = self.ask(TERMINATE, id=run_id)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def add_worker(self) -> None:
        """Another machine, beside those that run."""
        machine = self.new_worker()
        self.workers.append(machine)
        self.start_worker(machine)

    def start_worker(self, machine: Machine) -> None:
        machine.start("export_pipelines.cluster.worker", "--name", machine.folder.name)

    def until(self, done: Callable[[], bool], seconds: float, poll_s: float = 0.5) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.logs()
            time.sleep(poll_s)

    def logs(self, chars: int = 3000) -> str:
        """The ends of all logs."""
        machines = [self.control, *self.workers]
        return "\n".join(
            f"== {m.folder.name}\n{m.log.read_text()[-chars:]}" for m in machines if m.log.exists()
        )

    def is_up(self) -> bool:
        return is_up(self.url)


def ask(url: str, query: str, **variables: Any) -> Any:
    """The data of an answer of the web server of Dagster at `url`."""
    body = {"query": query, "variables": variables}
    answer = requests.post(f"{url}/graphql", json=body, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def start_backfill(url: str, export: str, days: list[str], **tags: str) -> str:
    """Starts a backfill of these partitions, as the UI does; its runs have `tags`."""
    params = {"assetSelection": [{"path": ["lead", export]}], "partitionNames": days}
    params["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    launched = ask(url, LAUNCH, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def backfill_status(url: str, backfill: str) -> str:
    return str(ask(url, BACKFILL, id=backfill)["partitionBackfillOrError"]["status"])


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def cluster(
    workers: int,
    leads: int,
    days: int,
    partitions_per_run: int = 1,
    link_bytes_per_second: float | None = None,
    exports: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """A cluster with an export `daily`, and others like it by the names of `exports`, each with lines of its own, over `leads`
    sample leads of `days` days; all is gone when the block ends. Its machines are network namespaces, where this process may
    make them. Each worker reaches the source by a link of its own, if the bandwidth of one is given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="export_pipelines_cluster_")))
        bridge = stack.enter_context(network()) if has_namespaces() else None
        host = bridge.host if bridge else "127.0.0.1"
        server = stack.enter_context(postgresql_server(host=host))
        databases = _databases(server.url)
        broker = stack.enter_context(redis(host))
        store = stack.enter_context(s3.s3_server(host=host))
        _make_buckets(store)
        generate_leads(databases["leads"], leads, 7, START, days)
        environment = _environment(databases, broker, store, partitions_per_run)
        daily = EXPORT.format(start=START, receiver=RECEIVER, endpoint=store.secure_url)
        all_exports = {name: daily + more for name, more in {"daily": "", **(exports or {})}.items()}
        names = count(1)

        def machine(name: str, **own: str) -> Machine:
            namespace = bridge.namespace() if bridge else None
            new = new_machine(folder / name, all_exports, environment | own, store.secure_url, namespace)
            stack.callback(new.kill)
            return new

        def new_worker() -> Machine:
            own = {}
            if link_bytes_per_second:
                link = stack.enter_context(slow_link(host, server.port, link_bytes_per_second))
                url = sa.make_url(databases["leads"]).set(port=link.port)
                own[f"{PREFIX}SOURCE_URL"] = url.render_as_string(hide_password=False)
            return machine(f"worker{next(names)}", **own)

        control = machine("control")
        running = Cluster(folder, server, databases, broker, store, control, [], free_port(), new_worker)
        _start(running, workers)
        yield running


def _make_buckets(store: s3.S3Server) -> None:
    for bucket in (STORE, RECEIVER, LOGS):
        store.bucket(bucket)
    receiver = store.bucket(RECEIVER).client  # with versions, so that an object that is put twice shows
    receiver.put_bucket_versioning(Bucket=RECEIVER, VersioningConfiguration={"Status": "Enabled"})


def _start(running: Cluster, workers: int) -> None:
    control = running.control
    control.run("export_pipelines.cluster.pools")
    control.start("export_pipelines.cluster.daemon", "-w", "workspace.yaml")
    control.start("dagster_webserver", "-h", control.address, "-p", str(running.port), "-w", "workspace.yaml")
    for _ in range(workers):
        running.add_worker()
    running.until(running.is_up, UP_S)


def _databases(server: str) -> dict[str, str]:
    admin = sa.create_engine(driver_url(server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in DATABASES:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    address = sa.make_url(server)
    return {name: address.set(database=name).render_as_string(hide_password=False) for name in DATABASES}


def _environment(
    databases: dict[str, str], broker: RedisServer, store: s3.S3Server, partitions_per_run: int
) -> dict[str, str]:
    return {
        f"{PREFIX}DAGSTER_URL": databases["dagster"].replace("postgresql://", "postgresql+psycopg2://"),
        f"{PREFIX}LEDGER_URL": databases["ledger"],
        f"{PREFIX}SOURCE_URL": databases["leads"],
        f"{PREFIX}STORE_URL": f"s3://{STORE}/artifacts?endpoint_url={store.secure_url}",
        f"{PREFIX}LOGS_BUCKET": LOGS,
        f"{PREFIX}BROKER_URL": broker.url,
        f"{PREFIX}PARTITIONS_PER_RUN": str(partitions_per_run),
        f"{PREFIX}LOG": "json",
        "AWS_CA_BUNDLE": str(store.ca),
        "AWS_ACCESS_KEY_ID": s3.KEY,
        "AWS_SECRET_ACCESS_KEY": s3.SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "S3_ACCESS_KEY": s3.KEY,
        "S3_SECRET_KEY": s3.SECRET,
    }
