"""A hundred deliveries at once, from several processes and through Dagster, to four destinations on their real servers."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from export_pipelines.artifacts import open_store
from export_pipelines_servers.receivers import REMOTE, RemoteReceiver
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.shell import in_process

WEEKS = [("01", "05"), ("06", "10"), ("11", "15"), ("16", "20"), ("21", "25")]
PLACES = {"s3": {"key": "in/{{date}}/"}, "sftp (OpenSSH)": {}, "webhook": {}, "email": {}}
EXPORT = """\
type: lead
format: csv
compression: gzip
fields: [lead_id, submitted_at, email, price]
partition: daily
start: 2024-01-01
"""


@pytest.fixture
def receivers(project: Project, tmp_path: Path) -> Iterator[Mapping[str, RemoteReceiver]]:
    with ExitStack() as stack:
        made = {}
        for name in PLACES:
            folder = tmp_path / name
            folder.mkdir()
            made[name] = stack.enter_context(REMOTE[name](folder))
            project.environment.update(made[name].environment)
        yield made


def test_a_hundred_deliveries_at_once_have_a_hundred_receipts(
    project: Project, receivers: Mapping[str, RemoteReceiver]
) -> None:
    entries = [receivers[name].entry(**settings) for name, settings in PLACES.items()]
    for entry in entries:
        if entry["kind"] == "sftp":
            entry["settings"]["path"] += "{{date}}"
    deliver = [{entry["kind"]: entry["settings"]} for entry in entries]
    project.write("many", EXPORT + yaml.safe_dump({"deliver": deliver}))

    def backfill(week: tuple[str, str]) -> str:
        first, last = (f"2024-01-{day}" for day in week)
        ran = in_process(project, "backfill", "many", "--from", first, "--to", last)
        return "" if ran.returncode == 0 else ran.stderr + ran.stdout

    with ThreadPoolExecutor(len(WEEKS)) as pool:
        assert list(pool.map(backfill, WEEKS)) == [""] * len(WEEKS)
    rows = json.loads(in_process(project, "deliveries", "--json").stdout)
    assert {row["state"] for row in rows} == {"delivered"}
    assert all(row["receipt"] for row in rows)
    assert len(rows) == len(WEEKS) * 5 * len(PLACES) == 100
    _require_equal(project, receivers)
    attempts = sqlite3.connect(project.home / "ledger.db").execute("select count(*) from attempts").fetchone()
    assert attempts == (100,)  # none had to be made again


def _require_equal(project: Project, receivers: Mapping[str, Any]) -> None:
    """What arrived is the SHA-256 of the manifests, at each destination, each file once."""
    store = open_store(str(project.home / "artifacts"))
    wanted = sorted(part.sha256 for manifest in store.manifests() for part in manifest.parts)
    assert len(wanted) == 25
    sftp, s3, mail = receivers["sftp (OpenSSH)"], receivers["s3"], receivers["email"]
    arrived = {
        "sftp": [path.read_bytes() for path in sftp.server.root.rglob("*.csv.gz")],
        "s3": [data for name, data in s3.arrived().items() if name.endswith(".csv.gz")],
        "webhook": [one.body for one in receivers["webhook"].inbox.posted.values() if one.body[:1] != b"{"],
        "email": [
            iter_attachment.get_payload(decode=True)
            for message in mail.post.messages
            for iter_attachment in message.iter_attachments()
            if str(iter_attachment.get_filename()).endswith(".csv.gz")
        ],
    }
    for kind, files in arrived.items():
        assert sorted(hashlib.sha256(data).hexdigest() for data in files) == wanted, kind
