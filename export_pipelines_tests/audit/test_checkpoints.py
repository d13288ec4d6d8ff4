"""Checkpoints of the audit: signed every night and on demand, and sent where nobody here can change them."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from export_pipelines.alerts.rules import checkpoint_places
from export_pipelines.errors import DefinitionError
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.tables import audit
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.project import Project as Opened
from export_pipelines.s3 import Bucket
from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import Inbox, https_server
from export_pipelines_servers.receivers import WEBHOOK_SECRET
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.conftest import NOW, Answer, Project

Terminal = Callable[..., Answer]
DAY = "2024-01-15"
PLACES = """\
checkpoints:
  - s3:
      bucket: {bucket}
      prefix: audit/
      lock_days: 3650
      endpoint_url: {endpoint}
      access_key: {{env: TEST_S3_KEY}}
      secret_key: {{env: TEST_S3_SECRET}}
  - webhook: {{url: {{env: TEST_HOOK}}, secret: {{env: TEST_KEY}}, ca: "{ca}"}}
"""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with https_server() as inbox:
        yield inbox


@pytest.fixture
def locked() -> Bucket:
    """A bucket with object lock."""
    server, bucket = own_bucket()
    name = f"{bucket.name}-locked"
    bucket.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    server.buckets.add(name)
    return server.bucket(name)


@pytest.fixture
def watched(project: Project, inbox: Inbox, locked: Bucket, tmp_path: Path) -> Project:
    """A project whose checkpoints go to a bucket and a webhook, and whose audit has an entry."""
    endpoint = locked.client.meta.endpoint_url
    text = PLACES.format(bucket=locked.name, endpoint=endpoint, ca=authority().pem(tmp_path))
    (project.folder / "alerts.yaml").write_text(text, encoding="utf-8")
    (project.folder / "allowed.yaml").write_text("private_networks: [127.0.0.1, '::1']", encoding="utf-8")
    variables = {"TEST_S3_KEY": KEY, "TEST_S3_SECRET": SECRET, "TEST_HOOK": inbox.url("/hook")}
    variables |= {"TEST_KEY": WEBHOOK_SECRET, "EXPORT_PIPELINES_AUDIT_KEY": "a" * 32}
    project.environment.update(variables)
    return project


def test_on_demand_it_is_printed_and_sent_and_holds_the_audit_to_it(
    watched: Project, terminal: Terminal, locked: Bucket, inbox: Inbox, tmp_path: Path
) -> None:
    assert terminal("plan", "daily", "--partition", DAY).code == 0
    answer = terminal("audit", "checkpoint")
    assert answer.code == 0 and "sent to s3://" in answer.stderr and "sent to https://" in answer.stderr
    (stored,) = locked.list("audit/")
    assert stored.key == f"audit/checkpoint-1-{NOW:%Y%m%dT%H%M%SZ}.txt"
    note = (locked.read(stored.key) or b"").decode()
    assert note == answer.stdout
    (posted,) = inbox.posted.values()
    assert json.loads(posted.body)["data"] == {"size": 1, "note": note}
    assert "webhook-signature" in {name.lower() for name in posted.headers}
    kept = tmp_path / "kept.txt"
    kept.write_text(note)
    assert terminal("audit", "verify", "--checkpoint", str(kept)).code == 0
    with open_ledger(f"sqlite:///{watched.home / 'ledger.db'}").engine.begin() as connection:
        connection.execute(sa.update(audit).values(actor="somebody else"))
    told = terminal("audit", "verify", "--checkpoint", str(kept))
    assert told.code == 1 and "entry 1 " in told.stderr


def test_the_object_is_locked(watched: Project, terminal: Terminal, locked: Bucket) -> None:
    assert terminal("audit", "checkpoint").code == 0
    (stored,) = locked.list("audit/")
    lock = locked.client.get_object_retention(Bucket=locked.name, Key=stored.key)["Retention"]
    assert lock["Mode"] == "COMPLIANCE" and lock["RetainUntilDate"] == NOW + timedelta(days=3650)


def test_every_night_the_sweep_signs_and_sends(watched: Project, inbox: Inbox, locked: Bucket) -> None:
    project = Opened.open(watched.folder, watched.environment, lambda: NOW)
    definitions = definitions_of(CodeLocation(project), quiet=True)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("sweep").execute_in_process(instance=instance, run_config=QUIET)
    assert result.success and len([*locked.list("audit/")]) == len(inbox.posted) == 1


def test_a_place_that_cannot_be_reached_fails_and_the_others_still_get_it(
    watched: Project, terminal: Terminal, inbox: Inbox, locked: Bucket
) -> None:
    inbox.answers = [(403, {})]
    answer = terminal("audit", "checkpoint")
    assert answer.code == 2 and "the server refuses it (403)" in answer.stderr
    assert len([*locked.list("audit/")]) == 1


def test_places_without_a_key_are_a_fault_and_no_places_are_none(
    watched: Project, terminal: Terminal
) -> None:
    del watched.environment["EXPORT_PIPELINES_AUDIT_KEY"]
    assert "EXPORT_PIPELINES_AUDIT_KEY" in terminal("audit", "checkpoint").stderr
    assert terminal("check").code == 0
    watched.environment["TEST_S3_KEY"] = ""
    told = terminal("check")
    assert told.code == 2 and "TEST_S3_KEY is not set" in told.stdout


def test_a_checkpoint_of_a_former_key_still_counts(
    project: Project, terminal: Terminal, tmp_path: Path
) -> None:
    project.environment["EXPORT_PIPELINES_AUDIT_KEY"] = "a" * 32
    assert terminal("plan", "daily", "--partition", DAY).code == 0
    kept = tmp_path / "kept.txt"
    kept.write_text(terminal("audit", "checkpoint").stdout)
    project.environment["EXPORT_PIPELINES_AUDIT_KEY_2"] = "b" * 32
    assert terminal("audit", "verify", "--checkpoint", str(kept)).code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("checkpoints: []\n", "alerts.yaml:1"),
        ("{}\n", "write `alerts`, `checkpoints` or both"),
        ("checkpoints:\n  - ftp: {}\n", 'unknown place "ftp"'),
        ("checkpoints:\n  - s3: {bucket: audit, lock_days: 0}\n", "alerts.yaml:2"),
        ("checkpoints:\n  - s3: {bucket: audit, access_key: abc}\n", "a secret never stands in a file"),
    ],
)
def test_a_place_with_faults_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "alerts.yaml").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        checkpoint_places(tmp_path / "alerts.yaml")
    assert message in str(caught.value)
