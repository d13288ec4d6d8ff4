"""What no address, server, subject or sender can be."""

from typing import Any

import pytest

from export_pipelines.delivery import Artifact
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.artifacts.build import AT, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry


@pytest.mark.parametrize(
    "to", [[], ["a"], ["a@"], ["a b@example.com"], ["a@example.com\nBcc: x@y.z"], ["é@example.com"]]
)
def test_what_is_no_address_is_refused(desk: Desk, entry: Any, to: list[str]) -> None:
    with pytest.raises(RequestError, match=r"deliver\.email: to"):
        open_entry(entry(to=to), desk.resources)


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://x", "smtp://", "smtp://x:y", "smtp://u:secretword@h?x=1"]
)
def test_what_is_no_url_of_a_server_is_refused_without_repeating_it(desk: Desk, entry: Any, url: str) -> None:
    desk.environment["SMTP"] = url
    with pytest.raises(SettingsError, match="URL of the mail server") as told:
        open_entry(entry(), desk.resources)
    assert "secretword" not in str(told.value)


def test_a_server_without_tls_may_be_on_this_machine_only(desk: Desk, entry: Any) -> None:
    desk.environment["SMTP"] = "smtp+plain://u:secretword@mail.example.com"
    with pytest.raises(SettingsError, match="on this machine only") as refused:
        open_entry(entry(), desk.resources)
    assert "secretword" not in str(refused.value)


def test_a_server_without_tls_is_refused(desk: Desk, entry: Any) -> None:
    with smtp_server(tls=False) as open_post:
        desk.environment["SMTP"] = f"smtp://127.0.0.1:{open_post.port}"
        with pytest.raises(RequestError, match="STARTTLS"):
            open_entry(entry(), desk.resources).check()


@pytest.mark.parametrize(
    "subject", ["leads\u2028{{date}}", "leads\v{{date}}", "=?utf-8?q?{{date}}?="], ids=ascii
)
def test_a_subject_that_no_header_can_hold_is_refused_when_it_is_sent(
    desk: Desk, entry: Any, post: Post, subject: str
) -> None:
    """Also where the check of the definition was gone round; nothing is sent."""
    made = stored(desk.store)
    email = open_entry(entry(), desk.resources)
    email.settings = email.settings.model_copy(update={"subject": subject})  # type: ignore[attr-defined]
    due = desk.due(made, entry())
    with (
        pytest.raises(RequestError, match="a header"),
        desk.ledger.claim(due, lambda: AT, None, False) as attempt,
    ):
        email.send(Artifact(made, desk.store, AT), attempt)
    assert post.messages == []


@pytest.mark.parametrize(
    ("setting", "text"), [("body", "leads \ud800"), ("subject", "leads \udcff")], ids=ascii
)
def test_letters_that_no_mail_can_hold_are_a_fault_at_once(
    desk: Desk, entry: Any, post: Post, setting: str, text: str
) -> None:
    """YAML has a way to write half a pair of UTF-16."""
    with pytest.raises(RequestError):
        desk.send(stored(desk.store), entry(**{setting: text}))
    assert [(delivery.state, delivery.next_at) for delivery in desk.ledger.deliveries()] == [("failed", None)]
    assert post.messages == []


@pytest.mark.parametrize("sender", ["a@b.example\nBcc: c@d.example", "=?utf-8?q?x?= <a@b.example>"])
def test_a_sender_of_the_environment_that_no_header_can_hold_is_refused(
    desk: Desk, entry: Any, monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    settings = desk.settings.model_copy(update={"mail_from": sender})
    monkeypatch.setattr(Desk, "settings", settings)
    with pytest.raises(RequestError, match="a header") as caught:
        open_entry(entry(**{"from": None}), desk.resources)
    assert caught.value.where == "EXPORT_PIPELINES_MAIL_FROM" and "d.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("exports@example.com", ""),
        ("Exports <exports@example.com>", "Exports"),
        ("Exports, Team of Texas <exports@example.com>", "Exports, Team of Texas"),
        ('"Exports, Team" <exports@example.com>', "Exports, Team"),
        ("Zoë Übel <exports@example.com>", "Zoë Übel"),
        ("出口 <exports@example.com>", "出口"),
        ("<exports@example.com>", ""),
    ],
)
def test_the_sender_of_the_environment_may_have_any_name(
    desk: Desk, entry: Any, post: Post, monkeypatch: pytest.MonkeyPatch, sender: str, name: str
) -> None:
    monkeypatch.setattr(Desk, "settings", desk.settings.model_copy(update={"mail_from": sender}))
    desk.send(stored(desk.store), entry(**{"from": None}))
    (message,) = post.messages
    (header,) = message["From"].addresses
    assert (header.display_name, header.addr_spec) == (name, "exports@example.com")
    assert message["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize(
    "sender", ["Exports", "a@b.co, c@d.co", "Exports <exports@bücher.example>", "Exports <>", "x <a@b> y"]
)
def test_a_sender_of_the_environment_that_is_none_is_refused(
    desk: Desk, entry: Any, monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    monkeypatch.setattr(Desk, "settings", desk.settings.model_copy(update={"mail_from": sender}))
    with pytest.raises(RequestError, match="no sender: ") as caught:
        open_entry(entry(**{"from": None}), desk.resources)
    assert caught.value.where == "EXPORT_PIPELINES_MAIL_FROM"
