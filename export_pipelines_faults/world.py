"""A world: one project in a folder of its own, with what is around it, new for each fault."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import make_url

from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import open_ledger
from export_pipelines.project import Project
from export_pipelines_faults.acts import EXPORT, TIMEOUT_S
from export_pipelines_faults.processes import Running
from export_pipelines_faults.servers import Servers, through
from export_pipelines_servers import aws, s3
from export_pipelines_servers.fault_proxy import FaultProxy
from export_pipelines_servers.https import OPENED
from export_pipelines_servers.receivers import RemoteReceiver

REPOSITORY = Path(__file__).parents[1]
STORE_BUCKET, SINK_BUCKET = "store", "sink"
MASTER_KEY = "a master key of the campaign, 32 bytes or more"
FIELDS = "[lead_id, submitted_at, email, first_name, state, price]"
LIVE_FIELDS = "[event_id, lead_id, event_type, occurred_at, outcome, lead.email, lead.first_name]"
CATALOG = "extends: shipped\ndatasets: {events: {stream: {transaction: written_by}}}\n"
LIVE = "live"


@dataclass(frozen=True)
class Setting:
    """What a world is made of. `source` and `ledger`: sqlite or postgresql; `store`: folder or s3; `to`: a kind of destination
    beside the folder, or ""; `sink`: that of the stream, or ""."""

    source: str = "sqlite"
    ledger: str = "sqlite"
    store: str = "folder"
    to: str = ""
    sink: str = ""
    sealed: bool = False
    dagster: bool = False
    serves: bool = False


@dataclass
class World:
    """`proxies` are those on the ways that this project uses, by the names of the ways; `days` are the windows of the work;
    `artifact` and `known` (digests of files) are those of what was written before, `key` is one of the service's, `seen` what
    a client saw that must not be, `running` the work."""

    folder: Path
    servers: Servers
    setting: Setting
    days: tuple[str, ...] = ("2024-01-02",)
    environment: dict[str, str] = field(default_factory=dict)
    proxies: dict[str, FaultProxy] = field(default_factory=dict)
    receiver: RemoteReceiver | None = None
    stream: str = ""
    databases: list[str] = field(default_factory=list)
    artifact: str = ""
    known: set[str] = field(default_factory=set)
    key: str = ""
    seen: list[str] = field(default_factory=list)
    running: Running | None = None

    def said(self) -> str:
        """The last of what the processes printed."""
        path = self.folder / "said"
        return path.read_text(errors="replace")[-2_000:] if path.exists() else ""

    def has_ended(self) -> bool:
        """Whether the work has."""
        return self.running is not None and self.running.ended.is_set()

    @property
    def event_ids(self) -> frozenset[str]:
        return self.servers.event_ids

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def places(self) -> Mapping[str, str]:
        """Folders in which the calls of a process are counted."""
        home = self.home
        return {
            "store": f"{home}/artifacts",
            "ledger": f"{home}/ledger.db",
            "destination": f"{home}/delivered",
            "dagster": f"{home}/dagster",
        }

    @cached_property
    def project(self) -> Project:
        """As it is seen without any fault: by no proxy. It is opened anew after `forget`."""
        environment = dict(self.environment)
        if self.databases:
            environment[f"{PREFIX}LEDGER_URL"] = self.databases[0]
        if self.setting.store == "s3":
            environment[f"{PREFIX}STORE_URL"] = self._bucket_url(self.servers.s3.port)
        return Project.open(self.folder, environment)

    def forget(self) -> None:
        """Other processes change everything from now on."""
        project = self.__dict__.pop("project", None)
        if project is not None and "ledger" in project.__dict__:
            project.ledger.engine.dispose()

    def make(self, template: "Template") -> "World":
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template.folder(self.setting), self.folder)
        self._choose_source()
        self._choose_store()
        self._choose_ledger()
        if self.setting.to:
            self._deliver_to(self.setting.to)
        if self.setting.sink:
            self._stream_to(self.setting.sink)
        if self.setting.serves:
            self.proxies["service"] = self.servers.proxy("service", self.servers.service_port)
        return self

    def end(self) -> None:
        self.forget()
        for url in self.databases:
            self.servers.drop(url)
        for proxy in self.proxies.values():
            proxy.fault.kind = "pass"
        shutil.rmtree(self.folder, ignore_errors=True)

    def set(self, **settings: Any) -> None:
        self.environment |= {f"{PREFIX}{name}": str(value) for name, value in settings.items()}

    def _choose_source(self) -> None:
        servers = self.servers
        if self.setting.source == "sqlite":
            self.set(SOURCE_URL=f"sqlite:///{servers.lead_file}")
            return
        url = servers.lead_database
        self.proxies["source"] = proxy = servers.proxy("source", make_url(url).port or 0)
        self.set(SOURCE_URL=through(url, proxy.port), CATALOG=self.folder / "catalog.yaml")

    def _choose_store(self) -> None:
        if self.setting.sealed:
            self.set(MASTER_KEY=MASTER_KEY)
        if self.setting.store == "folder":
            return
        server = self.servers.s3
        bucket = server.bucket(STORE_BUCKET)
        for stored in [*bucket.list(""), *bucket.uploads("")]:
            bucket.abort(stored.key, stored.upload) if stored.upload else bucket.remove(stored.key)
        self.proxies["store"] = proxy = self.servers.proxy("store", server.port)
        self.environment |= {"AWS_ACCESS_KEY_ID": s3.KEY, "AWS_SECRET_ACCESS_KEY": s3.SECRET}
        self.set(STORE_URL=self._bucket_url(proxy.port))

    def _bucket_url(self, port: int) -> str:
        return f"s3://{STORE_BUCKET}/artifacts?endpoint_url=http://127.0.0.1:{port}"

    def _choose_ledger(self) -> None:
        if self.setting.ledger == "sqlite":
            return
        url = self.servers.new_ledger()
        self.databases.append(url)
        self.proxies["ledger"] = proxy = self.servers.proxy("ledger", make_url(url).port or 0)
        self.set(LEDGER_URL=through(url, proxy.port))

    def _deliver_to(self, kind: str) -> None:
        self.receiver = receiver = self.servers.receiver(kind)
        self.proxies["destination"] = proxy = self.servers.proxy(f"destination {kind}", receiver.port)
        settings = receiver.through(proxy.port, timeout_s=TIMEOUT_S)["settings"]
        self.environment |= receiver.environment
        path = self.folder / "exports" / f"{EXPORT}.yaml"
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))
        definition["deliver"].append({kind: settings})
        path.write_text(yaml.safe_dump(definition), encoding="utf-8")

    def _stream_to(self, kind: str) -> None:
        servers = self.servers
        if kind == "s3":
            bucket = servers.s3.bucket(SINK_BUCKET)
            for stored in [*bucket.list(""), *bucket.uploads("")]:
                bucket.abort(stored.key, stored.upload) if stored.upload else bucket.remove(stored.key)
            self.proxies["sink"] = proxy = servers.proxy("sink", servers.s3.port)
            self.environment |= {"S3_KEY": s3.KEY, "S3_SECRET": s3.SECRET}
            sink: dict[str, Any] = {
                "bucket": SINK_BUCKET,
                "endpoint_url": f"http://127.0.0.1:{proxy.port}",
                "access_key": {"env": "S3_KEY"},
                "secret_key": {"env": "S3_SECRET"},
                "every": "100 ms",
                "bytes": "6 KB",
            }
        else:
            self.stream = servers.aws.new_stream(f"live-{os.urandom(6).hex()}")
            self.environment |= {"AWS_KEY": aws.KEY, "AWS_SECRET": aws.SECRET}
            sink = {
                "stream": self.stream,
                "partition_key": "lead_id",
                "endpoint_url": servers.failing_aws.url,
                "region": aws.REGION,
                "access_key": {"env": "AWS_KEY"},
                "secret_key": {"env": "AWS_SECRET"},
            }
        text = f"type: event\nfields: {LIVE_FIELDS}\nprivacy: {{email: hash, first_name: redact}}\n"
        stream = yaml.safe_dump({"stream": {"from": "beginning", kind: sink}})
        (self.folder / "exports" / f"{LIVE}.yaml").write_text(text + stream, encoding="utf-8")


@dataclass
class Template:
    """Folders that worlds are copied from: an export, and a ledger in SQLite that is new; with Dagster's storage, too, which
    `make_storage` makes."""

    root: Path
    make_storage: Callable[[Path], None]

    def folder(self, setting: Setting) -> Path:
        return self._with_dagster if setting.dagster else self._plain

    @cached_property
    def _plain(self) -> Path:
        folder = self.root / "plain"
        (folder / "exports").mkdir(parents=True)
        (folder / "home").mkdir(mode=0o700)
        definition = {
            "description": "Leads of a day",
            "type": "lead",
            "format": "csv",
            "fields": yaml.safe_load(FIELDS),
            "partition": "daily",
            "start": "2024-01-01",
            "split": {"rows": 8},
            "deliver": [{"folder": {"path": "{{export}}/{{date}}"}}],
        }
        (folder / "exports" / f"{EXPORT}.yaml").write_text(yaml.safe_dump(definition), encoding="utf-8")
        (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
        (folder / "allowed.yaml").write_text(OPENED, encoding="utf-8")
        ledger = open_ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
        ledger.engine.dispose()
        return folder

    @cached_property
    def _with_dagster(self) -> Path:
        folder = self.root / "dagster"
        shutil.copytree(self._plain, folder)
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        self.make_storage(folder)
        return folder


def environment_of(folder: Path) -> dict[str, str]:
    """What each process of a world knows, before its setting."""
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_HOME": str(folder),
        f"{PREFIX}HOME": str(folder / "home"),
        f"{PREFIX}DAGSTER": str(folder / "home" / "dagster"),
        f"{PREFIX}HASH_KEY": "a key for hashes of the campaign, 32 bytes",
        **{name: os.environ[name] for name in ("TMPDIR", "HOME") if name in os.environ},
    }
