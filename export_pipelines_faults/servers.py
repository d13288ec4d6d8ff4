"""The servers around a project on one machine, each started when a scene first needs it and kept, with a proxy before it."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy.engine import make_url

from export_pipelines.sample import generate_leads
from export_pipelines_servers.aws import Aws, aws_process
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.failing_aws import FailingAws, failing_aws
from export_pipelines_servers.fault_proxy import Fault, FaultProxy, fault_proxy
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_servers.receivers import REMOTE, RemoteReceiver, S3Receiver
from export_pipelines_servers.s3 import KEY, SECRET, S3Server, s3_server

FIRST_DAY, DAYS, LEADS, SEED = date(2024, 1, 1), 3, 60, 7
CANARY = "canary"
HIDE = (  # a word in every value that tells a person
    f"UPDATE leads SET email = '{CANARY}.' || substr(lead_id, 1, 12) || '@example.com', first_name = '{CANARY}'",
    f'UPDATE events SET lead = \'{{"email": "{CANARY}@example.com", "first_name": "{CANARY}"}}\'',
)
TRANSACTION = (
    "ALTER TABLE events ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX ON events (written_by)",
)
RECEIVERS: Mapping[str, str] = {
    "s3": "s3", "sftp": "sftp (OpenSSH)", "webhook": "webhook", "email": "email",
}  # fmt: skip


@dataclass
class Servers:
    """`folder` is for what they keep. A proxy passes everything on until a fault is put into it."""

    folder: Path
    stack: ExitStack
    _proxies: dict[str, FaultProxy] = field(default_factory=dict)
    _receivers: dict[str, RemoteReceiver] = field(default_factory=dict)
    _databases: int = 0

    @cached_property
    def lead_file(self) -> Path:
        """A SQLite database of sample leads and events, which nobody writes to."""
        import sqlite3

        path = self.folder / "leads.db"
        generate_leads(f"sqlite:///{path}", LEADS, SEED, FIRST_DAY, DAYS, events=True)
        with sqlite3.connect(path) as connection:
            for statement in HIDE:
                connection.execute(statement)
        connection.close()
        return path

    @cached_property
    def postgresql(self) -> str:
        return self.stack.enter_context(postgresql())

    @cached_property
    def lead_database(self) -> str:
        """The same leads and events on PostgreSQL, in which each event has its transaction."""
        url = new_database(self.postgresql, "leads")
        generate_leads(url, LEADS, SEED, FIRST_DAY, DAYS, events=True)
        with psycopg.connect(url) as connection:
            for statement in (*HIDE, *TRANSACTION):
                connection.execute(statement)
        return url

    @cached_property
    def event_ids(self) -> frozenset[str]:
        """Of all events there are."""
        with psycopg.connect(self.lead_database) as connection:
            return frozenset(row[0] for row in connection.execute("SELECT event_id FROM events"))

    @cached_property
    def ledger_template(self) -> str:
        from export_pipelines.ledger import open_ledger

        url = new_database(self.postgresql, "ledger_template")
        open_ledger(url).engine.dispose()
        return url

    def new_ledger(self) -> str:
        """A new ledger on PostgreSQL."""
        self._databases += 1
        name, template = f"ledger_{self._databases}", make_url(self.ledger_template)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template.database}")
        return template.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.postgresql, autocommit=True) as connection:
            connection.execute(statement)

    @cached_property
    def service_port(self) -> int:
        """Where a project's service listens."""
        return free_port()

    @cached_property
    def s3(self) -> S3Server:
        """With its keys in this process's environment, where the store finds them."""
        self.stack.enter_context(
            patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
        )
        return self.stack.enter_context(s3_server())

    @cached_property
    def aws(self) -> Aws:
        return self.stack.enter_context(aws_process())

    @cached_property
    def failing_aws(self) -> FailingAws:
        return self.stack.enter_context(failing_aws(self.aws.url))

    def receiver(self, kind: str) -> RemoteReceiver:
        """Of a kind of destination, empty."""
        if kind not in self._receivers:
            folder = self.folder / f"receiver_{kind}"
            folder.mkdir()
            if kind == "s3":
                self._receivers[kind] = S3Receiver(self.s3, self.s3.bucket("received"))
            else:
                start: Callable[[Path], AbstractContextManager[Any]] = REMOTE[RECEIVERS[kind]]
                self._receivers[kind] = self.stack.enter_context(start(folder))
        receiver = self._receivers[kind]
        receiver.clear()
        return receiver

    def proxy(self, to: str, port: int) -> FaultProxy:
        """The proxy named `to`, in front of `port`, as if new."""
        if to not in self._proxies:
            self._proxies[to] = self.stack.enter_context(fault_proxy(port))
        proxy = self._proxies[to]
        proxy.fault = Fault()
        return proxy


def through(url: str, port: int) -> str:
    """The URL of a database by way of a proxy."""
    return make_url(url).set(port=port).render_as_string(hide_password=False)
