"""What an alert says: a template of ours, in which whatever happened stands as it is."""

from datetime import UTC, datetime

from export_pipelines.alerts.channels import MOST_TOLD, Message


def message(export: str = "daily", text: str = "the disk is full", then: str = "make room") -> Message:
    return Message("key", export, "failure", text, then, datetime(2024, 1, 16, 2, tzinfo=UTC))


def test_a_message_says_what_happened_what_helps_and_when() -> None:
    mail = message()
    assert mail.subject == "[export_pipelines] failure: daily"
    assert mail.body == (
        "daily: the disk is full\n\nWhat helps: make room\n\nNoticed at 2024-01-16 02:00:00 UTC."
    )


def test_what_happened_is_no_template() -> None:
    mail = message(export="{{kind}}", text='unknown word "{{dte}}" in {% if %}')
    assert mail.subject == "[export_pipelines] failure: {{kind}}"
    assert mail.body.startswith('{{kind}}: unknown word "{{dte}}" in {% if %}\n')


def test_an_alert_is_told_however_long_its_reason_is() -> None:
    mail = message(text="x" * 1_000_000)
    assert mail.body.count("x") == MOST_TOLD and "What helps: make room" in mail.body
