"""What only a webhook does: signatures, keys, answers, redirects, addresses, certificates."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from export_pipelines.errors import RequestError, RetryableError, SettingsError
from export_pipelines_servers.authority import authority
from export_pipelines_servers.https import OPENED, https_server
from export_pipelines_servers.receivers import WEBHOOK_SECRET, WebhookReceiver
from export_pipelines_tests.artifacts.build import PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry


@pytest.fixture
def receiver(desk: Desk, tmp_path: Path) -> Iterator[WebhookReceiver]:
    (tmp_path / "allowed.yaml").write_text(OPENED)
    with https_server() as inbox:
        made = WebhookReceiver(inbox, authority().pem(tmp_path))
        desk.environment.update(made.environment)
        yield made


def test_the_reference_library_verifies_a_notice(
    desk: Desk, receiver: WebhookReceiver, monkeypatch: Any
) -> None:
    desk.at = datetime.now(UTC)  # the library refuses what is older than minutes
    public = desk.settings.model_copy(update={"public_url": "https://exports.example.com"})
    monkeypatch.setattr(Desk, "settings", public)
    made = stored(desk.store)
    desk.send(made, receiver.entry(send="notice"))
    (one,) = receiver.inbox.posted.values()
    told = Webhook(WEBHOOK_SECRET).verify(one.body, one.headers)
    assert told["type"] == "export.ready"
    assert [file["sha256"] for file in told["data"]["files"]] == [part.sha256 for part in made.parts]
    url = told["data"]["files"][0]["url"]
    assert url.startswith("https://exports.example.com/links/") and url.endswith("/files/leads_part_1.csv")
    with pytest.raises(Exception, match="signature"):
        Webhook(WEBHOOK_SECRET).verify(one.body.replace(b"export.ready", b"export.other"), one.headers)


@pytest.mark.parametrize("send", ["raw", "multipart"])
def test_every_file_is_signed_and_has_a_key_of_its_own(
    desk: Desk, receiver: WebhookReceiver, send: str
) -> None:
    desk.send(stored(desk.store), receiver.entry(send=send))
    posted = receiver.inbox.posted
    assert len(posted) == len(PARTS) + 1
    for key, one in posted.items():
        at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
        assert Webhook(WEBHOOK_SECRET).sign(key, at, one.body.decode()) == one.headers["webhook-signature"]
        assert (one.headers["webhook-id"], one.headers["x-token"]) == (key, "s3cret-token")


def test_multipart_holds_the_files_byte_for_byte(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.send(stored(desk.store), receiver.entry(send="multipart"))
    found = {}
    for one in receiver.inbox.posted.values():
        head = f"Content-Type: {one.headers['content-type']}\r\n\r\n".encode()
        (part,) = message_from_bytes(head + one.body).get_payload()  # type: ignore[str-unpack]
        found[part.get_filename()] = part.get_payload(decode=True)  # type: ignore[union-attr]
    assert {name: data for name, data in found.items() if name in PARTS} == PARTS


def test_what_was_answered_is_not_posted_again(desk: Desk, receiver: WebhookReceiver) -> None:
    made = stored(desk.store)
    receiver.inbox.answers = [(200, {}), (503, {})]  # the first one is taken, and not kept by this server
    with pytest.raises(RetryableError, match="503"):
        desk.send(made, receiver.entry())
    desk.send(made, receiver.entry())
    assert set(receiver.arrived()) == {*list(PARTS)[1:], "daily.manifest.json"}


def test_a_lost_answer_does_not_make_two_of_one(desk: Desk, receiver: WebhookReceiver) -> None:
    made, receiver.inbox.silent_once = stored(desk.store), True
    with pytest.raises(RetryableError, match="connection broke"):
        desk.send(made, receiver.entry())
    desk.send(made, receiver.entry())
    assert len(receiver.inbox.posted) == len(PARTS) + 1
    assert receiver.inbox.asked.count("POST") == len(PARTS) + 2


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, RequestError), (401, RequestError), (404, RequestError), (410, RequestError), (413, RequestError),
     (408, RetryableError), (429, RetryableError), (500, RetryableError), (503, RetryableError)],
)  # fmt: skip
def test_answers_are_sorted(desk: Desk, receiver: WebhookReceiver, code: int, error: type[Exception]) -> None:
    receiver.inbox.answers = [(code, {})]
    with pytest.raises(error, match=str(code)):
        desk.send(stored(desk.store), receiver.entry())


def test_who_asks_to_wait_is_left_alone_that_long(desk: Desk, receiver: WebhookReceiver) -> None:
    made = stored(desk.store)
    later = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    for told, seconds in (("7200", 7200), (later, 7200), ("soon", None), ("99999999", 86400)):
        receiver.inbox.answers = [(429, {"Retry-After": told})]
        with pytest.raises(RetryableError) as caught:
            desk.send(made, receiver.entry(), again=True)
        after_s = caught.value.after_s
        assert after_s == seconds if seconds is None else abs(after_s - seconds) < 5  # type: ignore[operator]


def test_no_redirect_is_followed(desk: Desk, receiver: WebhookReceiver) -> None:
    with https_server() as other:
        receiver.inbox.answers = [(307, {"Location": other.url()})]
        with pytest.raises(RequestError, match="no redirect"):
            desk.send(stored(desk.store), receiver.entry())
        assert other.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "127.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.1.",
        "localhost.",
    ],
)
def test_private_addresses_are_not_asked(desk: Desk, receiver: WebhookReceiver, host: str) -> None:
    desk.settings.allowed.unlink()
    url = f"https://{host}:{receiver.inbox.port}/in"
    with pytest.raises(RequestError, match="not public"):
        desk.send(stored(desk.store), receiver.entry(url=url))
    assert receiver.inbox.asked == []


def test_plain_http_and_passwords_in_urls_are_refused(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.settings.allowed.unlink()
    for url in ("http://example.com/in", "https://user:hunter22@example.com/"):
        with pytest.raises(SettingsError) as told:
            open_entry(receiver.entry(url=url), desk.resources)
        assert "hunter22" not in str(told.value)


def test_plain_http_is_for_networks_that_the_operator_opened(desk: Desk, receiver: WebhookReceiver) -> None:
    open_entry(receiver.entry(url="http://127.0.0.1/in"), desk.resources)
    with pytest.raises(RequestError, match="plain http to an address outside"):
        open_entry(receiver.entry(url="http://93.184.216.34/in"), desk.resources)
    desk.environment["PROXY"] = "https://proxy.example.com:3128"
    with pytest.raises(SettingsError, match="never by a proxy"):
        open_entry(receiver.entry(url="http://127.0.0.1/in", proxy={"env": "PROXY"}), desk.resources)


def test_a_proxy_is_not_asked_for_a_private_address(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.settings.allowed.unlink()
    desk.environment["PROXY"] = "https://proxy.example.com:3128"
    for host in ("127.1", "localhost", "metadata.localhost", "169.254.169.254", "[fd00::1]"):
        with pytest.raises(RequestError, match="not public"):
            open_entry(receiver.entry(url=f"https://{host}/in", proxy={"env": "PROXY"}), desk.resources)


@pytest.mark.parametrize("url", ["https://evil.example\\.example.com/in", "https:///in", "https://a b/in"])
def test_a_host_that_programs_read_differently_is_refused(
    desk: Desk, receiver: WebhookReceiver, url: str
) -> None:
    desk.environment["URL"] = url
    with pytest.raises(RequestError, match=r"deliver\.webhook"):
        open_entry(receiver.entry(url=url), desk.resources)
    with pytest.raises(SettingsError, match="names no host"):
        open_entry(receiver.entry(url={"env": "URL"}), desk.resources)


def test_a_secret_path_is_shown_nowhere(desk: Desk, receiver: WebhookReceiver) -> None:
    desk.environment["URL"] = receiver.inbox.url("/services/T0/very-secret")
    made = stored(desk.store)
    receipt = desk.send(made, receiver.entry(url={"env": "URL"}))
    receiver.inbox.answers = [(404, {})]
    with pytest.raises(RequestError) as told:
        desk.send(made, receiver.entry(url={"env": "URL"}), again=True)
    row = desk.ledger.deliveries()[0]
    assert "very-secret" not in f"{receipt} {told.value} {row}"
    assert next(iter(receiver.inbox.posted.values())).path == "/services/T0/very-secret"


def test_a_client_certificate_lets_in(desk: Desk, tmp_path: Path) -> None:
    ours = authority("ours")
    leaf = ours.certificate("client.example.com")
    (tmp_path / "client.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (tmp_path / "client.key").write_bytes(leaf.private_key_pem.bytes())
    (tmp_path / "allowed.yaml").write_text(OPENED)
    with https_server(client_ca=ours) as inbox:
        receiver = WebhookReceiver(inbox, authority().pem(tmp_path))
        desk.environment.update(receiver.environment)
        made = stored(desk.store)
        with pytest.raises((RequestError, RetryableError)):
            desk.send(made, receiver.entry())
        entry = receiver.entry(
            client_certificate=str(tmp_path / "client.pem"), client_key=str(tmp_path / "client.key")
        )
        desk.send(made, entry)
        assert set(receiver.arrived()) >= set(PARTS)


def test_check_posts_nothing_and_tells_who_is_turned_away(desk: Desk, receiver: WebhookReceiver) -> None:
    opened = open_entry(receiver.entry(), desk.resources)
    opened.check()
    receiver.inbox.answers = [(403, {})]
    with pytest.raises(RequestError, match="403"):
        opened.check()
    assert receiver.inbox.asked == ["OPTIONS", "OPTIONS"]


@pytest.mark.parametrize("secret", ["whsec_short", "not base64!", ""])
def test_a_secret_that_is_none_is_refused(desk: Desk, receiver: WebhookReceiver, secret: str) -> None:
    desk.environment["KEY"] = secret
    with pytest.raises(SettingsError, match=r"deliver\.webhook\.secret"):
        open_entry(receiver.entry(), desk.resources)


def test_settings_that_cannot_be_are_refused(desk: Desk, receiver: WebhookReceiver) -> None:
    for settings in (
        {"headers": {"Host": {"env": "TOKEN"}}},
        {"url": "ftp://x"},
        {"client_key": "a"},
        {"headers": {"X": "plain"}},
    ):
        with pytest.raises(RequestError, match=r"deliver\.webhook"):
            open_entry(receiver.entry(**settings), desk.resources)
    assert json.dumps(receiver.inbox.asked) == "[]"


@pytest.mark.parametrize(
    "value",
    ["s3cret\r\nX-Evil: 1", "s3cret\x0b1", "s3cret\u20281", "=?utf-8?q?s3cret?=", " s3cret", "s3cr\u00e9t"],
)
def test_a_header_that_cannot_be_sent_is_refused_before_anything_is(
    desk: Desk, receiver: WebhookReceiver, value: str
) -> None:
    desk.environment["TOKEN"] = value
    with pytest.raises(RequestError, match="header") as caught:
        open_entry(receiver.entry(), desk.resources)
    assert caught.value.where == "deliver.webhook.headers.X-Token" and "s3cr" not in str(caught.value)
