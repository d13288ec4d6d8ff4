"""What only mail does: sizes, several mails, links, recipients one by one, the uncertain moment, S/MIME."""

import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from export_pipelines.delivery import Artifact, Receipt
from export_pipelines.errors import RequestError, RetryableError, SettingsError, Uncertain
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.artifacts.build import AT, PARTS, stored
from export_pipelines_tests.delivery.desk import Desk, open_entry

LARGE = {"a.csv": os.urandom(150_000), "b.csv": os.urandom(40_000), "c.csv": os.urandom(40_000)}
Send = Callable[..., Receipt]


def test_subject_body_and_types_tell_what_came(desk: Desk, entry: Any, post: Post) -> None:
    desk.send(stored(desk.store), entry(cc="b@example.com", subject="{{export}} {{date}}"))
    (mail,) = post.messages
    assert (mail["Subject"], mail["To"], mail["Cc"]) == ("daily 2024-01-15", "a@example.com", "b@example.com")
    assert post.envelopes[0][0] == ["a@example.com", "b@example.com"]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "leads_part_1.csv" in text and "SHA-256" in text
    kinds = [iter_attachment.get_content_type() for iter_attachment in mail.iter_attachments()]
    assert kinds == [*["text/csv"] * len(PARTS), "application/json"]


def joined(post: Post) -> dict[str, bytes]:
    """The parts, put together from their pieces as the mails say."""
    found: dict[str, bytes] = {}
    for mail in post.messages:
        for iter_attachment in mail.iter_attachments():
            name = str(iter_attachment.get_filename())
            data = iter_attachment.get_payload(decode=True)
            assert isinstance(data, bytes)
            base = name[:-4] if name[-3:].isdigit() else name
            found[base] = found.get(base, b"") + data
    return {name: data for name, data in found.items() if not name.endswith(".json")}


def test_files_over_the_servers_limit_are_spread_over_several_mails(
    desk: Desk, entry: Any, post: Post
) -> None:
    receipt = desk.send(stored(desk.store, LARGE), entry())
    assert joined(post) == LARGE
    count = len(post.messages)
    assert count == 2 and receipt.details["mails"] == "2"
    assert [str(mail["Subject"])[-6:] for mail in post.messages] == [f" ({n}/2)" for n in (1, 2)]
    assert max(len(data) for _, data in post.envelopes) <= 200_000
    assert len({mail["Message-ID"] for mail in post.messages}) == 2


@pytest.mark.parametrize(("spare", "mails"), [(1, 1), (0, 1), (-1, 2)])
def test_the_limit_is_kept_to_the_byte(desk: Desk, entry: Any, post: Post, spare: int, mails: int) -> None:
    made = stored(desk.store, {"a.csv": os.urandom(60_000), "b.csv": os.urandom(60_000)})
    desk.send(made, entry(subject="x"))
    size = len(post.envelopes[0][1])
    post.envelopes.clear()
    desk.send(made, entry(subject="x", max_size=size + spare))
    assert len(post.envelopes) == mails


def test_a_link_is_sent_instead(desk: Desk, entry: Any, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="EXPORT_PIPELINES_PUBLIC_URL"):
        open_entry(entry(over_limit="link"), desk.resources)
    public = desk.settings.model_copy(update={"public_url": "https://exports.example.com"})
    monkeypatch.setattr(Desk, "settings", public)
    made = stored(desk.store, LARGE)
    desk.send(made, entry(over_limit="link"))
    (mail,) = post.messages
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert re.findall(
        r"https://exports\.example\.com/links/[0-9a-f]{24}\.\d+\.[\w-]{43}/files/(\S+)", text
    ) == [*LARGE]


def test_or_nothing_is_sent_and_the_person_is_told(desk: Desk, entry: Any, post: Post) -> None:
    with pytest.raises(RequestError, match="more than 200,000 bytes"):
        desk.send(stored(desk.store, LARGE), entry(over_limit="fail"))
    assert post.envelopes == []


def test_who_is_refused_does_not_keep_the_mail_from_the_others(desk: Desk, entry: Any, post: Post) -> None:
    post.answers["late@example.com"] = "451 come again"
    made, both = stored(desk.store), entry(to=["a@example.com", "late@example.com"])
    with pytest.raises(RetryableError, match=r"late@example\.com \(451\)"):
        desk.send(made, both)
    post.answers.clear()
    desk.send(made, both)
    assert [to for to, _ in post.envelopes] == [["a@example.com"], ["late@example.com"]]
    first, second = post.messages
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("answer", "error"), [("451 later", RetryableError), ("554 no", RequestError), ("552 big", RequestError)]
)
def test_a_mail_that_was_refused_is_sent_again(
    desk: Desk, entry: Any, post: Post, answer: str, error: type
) -> None:
    post.answers["data"] = answer
    made = stored(desk.store)
    with pytest.raises(error):
        desk.send(made, entry())
    post.answers.clear()
    desk.send(made, entry())
    assert len(post.envelopes) == 1


class Silent:
    """Between the program and the server; once the mail ended it lets no answer through."""

    def __init__(self, port: int) -> None:
        self.socket, self.server = socket.create_server(("127.0.0.1", 0)), port
        self.mute = True
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _serve(self) -> None:
        while True:
            client, _ = self.socket.accept()
            server = socket.create_connection(("127.0.0.1", self.server))
            threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
            threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(65536):
            ended = self.mute and (data == b".\r\n" or data.endswith(b"\n.\r\n"))
            if ended:
                client.shutdown(socket.SHUT_RDWR)  # before the server can answer
            server.sendall(data)
            if ended:
                return

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            return


def test_an_answer_that_never_came_is_uncertain_and_nothing_is_sent_twice(desk: Desk, tmp_path: Path) -> None:
    with smtp_server(tls=False) as post:
        relay = Silent(post.port)
        desk.environment["SMTP"] = f"smtp+plain://127.0.0.1:{relay.port}"
        settings = {"to": "a@example.com", "from": "x@example.com", "smtp": {"env": "SMTP"}}
        made, entry = stored(desk.store), {"kind": "email", "settings": settings}
        for _ in range(2):
            with pytest.raises(Uncertain, match="--again"):
                desk.send(made, entry)
        assert desk.ledger.deliveries()[0].state == "uncertain"
        assert len(post.envelopes) <= 1
        relay.mute = False
        desk.send(made, entry, again=True)
        assert len({mail["Message-ID"] for mail in post.messages}) == 1


def test_it_is_sent_once_more_where_the_export_says_so(desk: Desk, entry: Any, post: Post) -> None:
    made, wanted = stored(desk.store), entry(resend_when_uncertain=True)
    with desk.ledger.claim(desk.due(made, wanted), lambda: AT) as attempt:
        attempt.handing("mail 1/1 a@example.com")  # what a process leaves that is killed right then
        attempt.receipt = open_entry(wanted, desk.resources).send(Artifact(made, desk.store, AT), attempt)
    assert len(post.envelopes) == 1


def certificate(folder: Path, key: Any, days: int = 30) -> Path:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a@example.com")])
    begin = AT - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(begin).not_valid_after(begin + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem"


def test_an_encrypted_mail_opens_with_openssl_and_with_nothing_else(
    desk: Desk, entry: Any, post: Post, tmp_path: Path
) -> None:
    path = certificate(tmp_path, rsa.generate_private_key(65537, 2048))
    desk.send(stored(desk.store), entry(encrypt=[str(path)]))
    mail = post.envelopes[0][1]
    assert b"leads_part_1" not in mail
    call = ["openssl", "smime", "-decrypt", "-recip", str(path), "-inkey", str(tmp_path / "key.pem")]
    opened = subprocess.run(call, input=mail, capture_output=True, check=True).stdout
    inner = Post(envelopes=[([], opened)])
    assert joined(inner) == PARTS


def test_a_certificate_that_cannot_serve_is_refused(
    desk: Desk, entry: Any, post: Post, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="not RSA"):
        open_entry(
            entry(encrypt=[str(certificate(tmp_path, ec.generate_private_key(ec.SECP256R1())))]),
            desk.resources,
        )
    over = certificate(tmp_path, rsa.generate_private_key(65537, 2048), days=0)
    with pytest.raises(RequestError, match="is valid from"):
        desk.send(stored(desk.store), entry(encrypt=[str(over)]))
    assert post.envelopes == [] and datetime.now(UTC) > AT
