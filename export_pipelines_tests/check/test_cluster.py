"""What runs on several machines need is asked before they start."""

from pathlib import Path

import pytest

from export_pipelines.check.cluster import cluster_faults
from export_pipelines.settings import Settings

SECRET = "hunter2secret"
GOOD = {
    "BROKER_URL": f"redis://:{SECRET}@broker.example.com:6379/0",
    "LEDGER_URL": f"postgresql://user:{SECRET}@db.example.com/ledger",
    "SOURCE_URL": f"postgresql://user:{SECRET}@db.example.com/leads",
    "STORE_URL": "s3://exports/artifacts",
}


def faults(folder: Path, **settings: str) -> list[str]:
    environment = {f"EXPORT_PIPELINES_{name}": value for name, value in {**GOOD, **settings}.items()}
    return [fault.text for fault in cluster_faults(Settings.load(environment, folder))]


def test_servers_that_all_machines_share_are_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


def test_a_project_without_a_broker_may_keep_everything_on_its_machine(tmp_path: Path) -> None:
    assert faults(tmp_path, BROKER_URL="", LEDGER_URL="", STORE_URL="", SOURCE_URL="") == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LEDGER_URL", "sqlite:////var/ledger.db", "the ledger is a file of this machine"),
        ("STORE_URL", "/var/artifacts", "the artifact store is a folder of this machine"),
        ("SOURCE_URL", "sqlite:////var/leads.db", "the source is a file of this machine"),
        ("BROKER_URL", "redis://broker.example.com:6379/0", "the broker has no password"),
        ("BROKER_URL", "redis://user@broker.example.com:6379/0", "the broker has no password"),
        ("BROKER_URL", "redis://[2001:db8::1]:6379/0", "the broker has no password"),
        ("BROKER_URL", f"http://:{SECRET}@broker.example.com", "that is no URL of a broker"),
        ("BROKER_URL", f"redis://:{SECRET}@broker.example.com:many/0", "that is no URL of a broker"),
    ],
)
def test_what_one_machine_alone_sees_is_refused_with_the_setting(
    tmp_path: Path, name: str, value: str, text: str
) -> None:
    (fault,) = faults(tmp_path, **{name: value})
    assert fault.startswith(f"EXPORT_PIPELINES_{name}: {text}") and SECRET not in fault


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_broker_on_this_machine_needs_no_password(tmp_path: Path, host: str) -> None:
    assert faults(tmp_path, BROKER_URL=f"redis://{host}:6379/0") == []
