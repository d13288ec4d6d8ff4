"""People are told what failed, is late or looks odd: once, by mail, Slack or a webhook, and without a person's data."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from standardwebhooks import Webhook

from export_pipelines.alerts.rules import load_alerts
from export_pipelines.check import check_all
from export_pipelines.errors import DefinitionError
from export_pipelines.ledger import Alert, open_ledger
from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import Inbox, https_server
from export_pipelines_servers.receivers import WEBHOOK_SECRET
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import NOW, Project

DAY = "2024-01-15"
RULES = """\
alerts:
  - to:
      - email: {{to: [ops@example.com], smtp: {{env: TEST_SMTP}}}}
      - slack: {{url: {{env: TEST_SLACK}}, ca: "{ca}"}}
      - webhook: {{url: {{env: TEST_HOOK}}, secret: {{env: TEST_KEY}}, ca: "{ca}"}}
"""
FAILING = """\
type: lead
format: csv
fields: [lead_id, email]
partition: daily
schedule: daily at 02:00
start: 2024-01-01
deliver:
  - folder: {{path: "{taken}/{{{{date}}}}"}}
"""


@dataclass
class Alerting:
    """Everybody who is told, and the sensor's tick."""

    project: Project
    post: Post
    inbox: Inbox
    tick: Callable[..., str]
    instance: dg.DagsterInstance

    def count(self) -> tuple[int, int]:
        return len(self.post.messages), len(self.inbox.posted)


@pytest.fixture
def alerting(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alerting]:
    settings = project.settings.model_copy(update={"mail_from": "exports@example.com"})
    project = Project(settings)
    with smtp_server() as post, https_server() as inbox, stored_instance() as instance:
        ca = authority().pem(tmp_path)
        settings.alerts.write_text(RULES.format(ca=ca), encoding="utf-8")
        settings.allowed.write_text("private_networks: [127.0.0.1, '::1']", encoding="utf-8")
        monkeypatch.setenv("TEST_SMTP", post.url(ca))
        monkeypatch.setenv("TEST_SLACK", inbox.url("/slack"))
        monkeypatch.setenv("TEST_HOOK", inbox.url("/hook"))
        monkeypatch.setenv("TEST_KEY", WEBHOOK_SECRET)

        def tick(later: timedelta = timedelta(0)) -> str:
            defs = project.definitions(project.opened(lambda: NOW + later))
            context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
            return str(defs.resolve_sensor_def("alerts").evaluate_tick(context).skip_message)

        yield Alerting(project, post, inbox, tick, instance)


@pytest.fixture
def undelivered(alerting: Alerting, tmp_path: Path) -> Alerting:
    (tmp_path / "taken").write_text("x")
    alerting.project.write("failing", FAILING.format(taken=tmp_path / "taken"))
    assert not alerting.project.run("failing", DAY).success
    return alerting


def test_what_did_not_arrive_is_told_once_through_every_channel(undelivered: Alerting) -> None:
    assert undelivered.tick() == "1 alerts told"
    assert undelivered.tick() == "0 alerts told"
    assert undelivered.count() == (1, 2)
    (mail,) = undelivered.post.messages
    assert mail["Subject"] == "[export_pipelines] failure: failing"
    text = mail.get_content()
    assert f"window {DAY} did not arrive at folder (destination 1)" in text
    assert "export-pipelines deliver failing/2024-01-15/" in text and " --to 1" in text
    assert "@" not in text.replace("@example.com", "")
    slack, hook = (
        next(message for message in undelivered.inbox.posted.values() if message.path == path)
        for path in ("/slack", "/hook")
    )
    assert "did not arrive" in json.loads(slack.body)["text"]
    assert hook.headers["webhook-signature"].startswith("v1,") and Webhook(WEBHOOK_SECRET)
    assert json.loads(hook.body)["type"] == "export.failure"


def test_who_was_told_is_logged_without_what_was_told(
    undelivered: Alerting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="export_pipelines"):
        undelivered.tick()
    records = [record for record in caplog.records if record.name == "export_pipelines.alerts.channels"]
    assert [(record.message, vars(record)["channel"], vars(record)["export"]) for record in records] == [
        ("alert told", channel, "failing") for channel in ("email", "slack", "webhook")
    ]
    assert "ops@example.com" not in json.dumps([vars(record) for record in records], default=str)


def test_a_channel_that_is_broken_is_tried_again_and_the_others_are_not_told_twice(
    undelivered: Alerting,
) -> None:
    undelivered.post.answers["data"] = "451 later"
    assert undelivered.tick() == "0 alerts told"
    assert undelivered.count() == (0, 2)
    undelivered.post.answers.clear()
    assert undelivered.tick() == "1 alerts told"
    assert undelivered.count() == (1, 2)


def test_an_odd_number_of_rows_is_told(alerting: Alerting) -> None:
    ledger = open_ledger(alerting.project.settings.ledger_url.get_secret_value())
    ledger.notice(Alert("anomaly daily/x", "daily", "anomaly", "window x: 3 rows", "preview it", NOW))
    alerting.tick()
    assert "anomaly" in str(alerting.post.messages[0]["Subject"])


def turn_on(instance: dg.DagsterInstance, schedule: str, since: datetime) -> None:
    """As a person does in the UI."""
    location = RegisteredCodeLocationOrigin("exports")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), schedule)
    data = ScheduleInstigatorData("0 2 * * *", since.timestamp())
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
    )


def test_what_has_not_arrived_in_time_is_told_once_and_not_when_it_has(alerting: Alerting) -> None:
    assert alerting.tick() == "0 alerts told"  # the schedule is off
    turn_on(alerting.instance, "daily_schedule", NOW - timedelta(days=3))
    assert alerting.tick() == "1 alerts told"
    assert alerting.tick() == "0 alerts told"
    (mail,) = alerting.post.messages
    assert mail["Subject"] == "[export_pipelines] late: daily"
    assert "window 2024-02-19, due at 2024-02-20T02:00:00.000Z, has not arrived" in mail.get_content()
    day = timedelta(days=1)
    assert alerting.project.run(
        "daily", "2024-02-20", opened=alerting.project.opened(lambda: NOW + day)
    ).success
    assert alerting.tick(day) == "0 alerts told"


def test_a_channel_at_a_private_address_is_told_only_where_the_operator_opened_it(
    undelivered: Alerting,
) -> None:
    undelivered.project.settings.allowed.unlink()
    undelivered.tick()
    assert undelivered.count() == (1, 0)  # the mail only


def test_the_lists_of_what_exports_may_name_are_not_for_alerts(undelivered: Alerting) -> None:
    """They are the operator's own: `alerting` opens addresses and lists nothing else."""
    assert "variables" not in undelivered.project.settings.allowed.read_text()
    undelivered.tick()
    assert undelivered.count() == (1, 2)


def test_nobody_is_told_without_a_file(alerting: Alerting) -> None:
    alerting.project.settings.alerts.unlink()
    assert "nobody is to be told" in alerting.tick()


def test_nobody_is_told_what_no_rule_concerns(undelivered: Alerting) -> None:
    path = undelivered.project.settings.alerts
    path.write_text(path.read_text().replace("  - to:", "  - exports: [other_*]\n    to:"))
    undelivered.tick()
    assert undelivered.count() == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alerts: []\n", "alerts.yaml:1"),
        ("alerts:\n  - to: [{email: {to: [x]}}]\n", "alerts.yaml:2"),
        ("alerts:\n  - on: [sometimes]\n    to: [{email: {to: [a@b.de]}}]\n", "alerts.yaml:2"),
        ("alerts:\n  - to: [{pager: {}}]\n", 'unknown channel "pager"'),
        ('alerts:\n  - to: [{slack: {url: "https://x"}}]\n', "a secret never stands in a file"),
        (
            "alerts:\n  - to:\n      - slack: {url: {env: A}, allow_private: true}\n",
            "alerts.yaml:3: alerts.0.to.0.slack.allow_private: this setting is gone; the operator opens addresses",
        ),
        (
            "alerts:\n  - to:\n      - webhook:\n          url: {env: EXPORT_PIPELINES_SMTP_URL}\n",
            'alerts.yaml:4: alerts.0.to.0.webhook.url: "EXPORT_PIPELINES_SMTP_URL" is a variable of the program itself',
        ),
        (
            'alerts:\n  - to:\n      - email: {to: ["=?x?q?a?=@b.de"]}\n',
            "alerts.yaml:3: alerts.0.to.0.email.to.0: a header",
        ),
    ],
)
def test_a_file_with_faults_is_refused_with_their_lines(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "alerts.yaml").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        load_alerts(tmp_path / "alerts.yaml")
    assert message in str(caught.value)


def test_check_tells_of_a_secret_that_is_not_there(alerting: Alerting) -> None:
    opened = alerting.project.opened()
    faults = check_all(alerting.project.settings, opened.catalog, opened.loaded, environment={})
    assert any(fault.name == "alerts" and "TEST_SMTP is not set" in fault.text for fault in faults)
