"""One fault of the network is one error, whoever meets it: by HTTP, SMTP, SSH or S3, against real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from ipaddress import ip_network

import pytest

from export_pipelines.delivery.email.smtp import SmtpServer
from export_pipelines.delivery.email.smtp import connected as smtp_connected
from export_pipelines.delivery.sftp.known_hosts import KnownHost
from export_pipelines.delivery.sftp.ssh import Login
from export_pipelines.delivery.sftp.ssh import connected as ssh_connected
from export_pipelines.delivery.webhook import http_client
from export_pipelines.delivery.webhook.http_client import HttpClient
from export_pipelines.errors import ExportError, RequestError, RetryableError, Uncertain
from export_pipelines.network_errors import TABLE, meaning_of, network_errors
from export_pipelines.s3 import Access, open_bucket
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.https import https_server

WAIT_S = 0.5


def by_http(host: str, port: int) -> None:
    opened = (ip_network("127.0.0.0/8"), ip_network("::1"))
    HttpClient(f"https://{host}:{port}/in", "a URL", opened, answer_s=WAIT_S).require_answer()


def by_smtp(host: str, port: int) -> None:
    with smtp_connected(SmtpServer("smtps", host, port, timeout_s=WAIT_S)):
        pass


def by_ssh(host: str, port: int) -> None:
    with ssh_connected(Login(host, port, "me", KnownHost(), "", password="x"), None, WAIT_S):
        pass


def by_s3(host: str, port: int) -> None:
    access = Access(f"https://{host}:{port}", access_key="a", secret_key="b", timeout_s=WAIT_S)
    open_bucket("a-bucket", access).head("a")


Client = Callable[[str, int], None]
ALL: list[Client] = [by_http, by_smtp, by_ssh, by_s3]


def error_of(client: Client, host: str, port: int) -> ExportError:
    with pytest.raises(ExportError) as caught:
        client(host, port)
    return caught.value


def expected_of(client: Client, what: str, host: str, port: int) -> str:
    """The URL of a bucket does not name the server, so the error does."""
    return f"{what}: https://{host}:{port}" if client is by_s3 else what


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("client", ALL)
def test_nobody_listens(client: Client) -> None:
    port = free_port()
    error = error_of(client, "127.0.0.1", port)
    what = expected_of(client, "the server cannot be reached", "127.0.0.1", port)
    assert (type(error), error.what) == (RetryableError, what)


@pytest.mark.parametrize("client", [by_http, by_smtp, by_s3])
def test_a_server_says_nothing(client: Client, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "CONNECT_S", WAIT_S)
    error = error_of(client, "127.0.0.1", silent_port)
    what = expected_of(client, "the server took too long", "127.0.0.1", silent_port)
    assert (type(error), error.what) == (RetryableError, what)


@pytest.mark.parametrize("client", ALL)
def test_a_name_is_not_known(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is the one part that no test may ask: what it says is written here."""

    def unknown(*args: object, **settings: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = error_of(client, "nowhere.invalid", 443)
    what = expected_of(client, "the host's name is not known", "nowhere.invalid", 443)
    assert (type(error), error.what) == (RequestError, what)


@pytest.mark.parametrize("client", [by_http, by_smtp, by_s3])
def test_a_certificate_is_not_trusted(client: Client) -> None:
    with https_server() as server:
        error = error_of(client, "localhost", server.port)
    assert type(error) is RequestError and "certificate is not trusted" in error.what


@pytest.mark.parametrize("client", [by_http, by_smtp, by_s3])
def test_a_server_speaks_no_tls(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def greet() -> None:
            for _ in range(3):
                try:
                    other, _ = server.accept()
                    with other:
                        other.sendall(b"220 a mail server without TLS\r\n")
                        other.recv(1000)
                except OSError:
                    return

        threading.Thread(target=greet, daemon=True).start()
        error = error_of(client, "127.0.0.1", server.getsockname()[1])
    assert type(error) is RequestError and "not trusted" in error.what


@pytest.mark.parametrize("name", TABLE)
def test_every_row_is_an_exception_of_its_library(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error_class = getattr(import_module(module), kind)
    assert (
        issubclass(error_class, Exception) and f"{error_class.__module__}.{error_class.__qualname__}" == name
    )


def test_what_is_no_matter_of_the_network_goes_on() -> None:
    assert meaning_of(KeyError("a")) is None
    with pytest.raises(KeyError), network_errors("there"):
        raise KeyError("a")


def test_after_the_hand_over_every_fault_leaves_it_unknown() -> None:
    unknown = Uncertain("nobody knows", where="there")
    with pytest.raises(Uncertain, match="nobody knows"), network_errors("there", handed_over=unknown):
        raise ConnectionResetError
