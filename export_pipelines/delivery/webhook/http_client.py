"""Posting to a URL that somebody wrote down: to that host only, at a public address, encrypted, without redirects."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from export_pipelines.definition.allowed import Network
from export_pipelines.definition.destinations.hosts import host_of
from export_pipelines.delivery.artifact import BLOCK_BYTES
from export_pipelines.delivery.webhook.addresses import is_opened, is_reachable, literal
from export_pipelines.errors import RequestError, RetryableError, SettingsError
from export_pipelines.network_errors import is_passing, network_errors, retry_after_s

CONNECT_S, ANSWER_S = 10.0, 60.0
Opened = Callable[[], BinaryIO]


@dataclass(frozen=True)
class HttpClient:
    """POSTs to one URL. `where` names it in errors, since the URL may hold a secret.

    opened:        networks that are not public and that the operator opened: they may be asked, by plain http too.
    ca:            PEM file of who may vouch for the server; None for those of the system.
    certificate:   files of the client's certificate and its key.
    proxy:         URL of a proxy; it then resolves the host, and it guards which addresses may be asked.
    """

    url: str = field(repr=False)
    where: str
    opened: tuple[Network, ...] = ()
    ca: str | None = None
    certificate: tuple[str, str] | None = None
    proxy: str | None = field(default=None, repr=False)
    answer_s: float = ANSWER_S

    def __post_init__(self) -> None:
        parts = _split(self.url, self.where)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.opened and self.proxy is None):
            raise SettingsError(
                "an https:// URL is expected",
                where=self.where,
                remedy="plain http is for `private_networks` of allowed.yaml only, and never by a proxy",
            )
        if host_of(self.url) is None or parts.username or parts.password:
            raise SettingsError(
                "the URL names no host, or a user", where=self.where, remedy="put a password into `headers`"
            )
        address = literal(parts.hostname)
        if address is not None:
            self._require_reachable(address)

    @property
    def place(self) -> str:
        """Scheme and host: the path of a webhook is often a secret."""
        parts = _split(self.url, self.where)
        return f"{parts.scheme}://{parts.netloc}/..."

    def post(self, body: "Body", headers: Mapping[str, str]) -> int:
        """The code of success. Raises RequestError for what the person must mend, RetryableError for what may pass."""
        return self._ask("POST", body, headers)

    def require_answer(self) -> None:
        """Raises RequestError or RetryableError unless the server answers, trusted, and does not turn us away."""
        with network_errors(self.where), self._session() as session:
            answer = self._request(session, "OPTIONS", Body([]), {})
        if answer.status_code in (401, 403, 407) or answer.is_redirect:
            _require_success(answer, self.where)

    def _ask(self, method: str, body: "Body", headers: Mapping[str, str]) -> int:
        with network_errors(self.where), self._session() as session:
            answer = self._request(session, method, body, headers)
        _require_success(answer, self.where)
        return answer.status_code

    def _request(
        self, session: requests.Session, method: str, body: "Body", headers: Mapping[str, str]
    ) -> requests.Response:
        url, sent_headers = self.url, dict(headers)
        if self.proxy is None:
            url, host = self._pinned(session)
            sent_headers["Host"] = host
        with session.request(
            method,
            url,
            data=body if len(body) else b"",
            headers=sent_headers,
            timeout=(CONNECT_S, self.answer_s),
            allow_redirects=False,
            stream=True,  # what the server tells is not read
        ) as answer:
            return answer

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no proxy, password or certificate but those of the definition
        session.verify = self.ca or True
        session.cert = self.certificate
        if self.proxy is not None:
            session.proxies = {"http": self.proxy, "https": self.proxy}
        session.headers["User-Agent"] = "export_pipelines"
        return session

    def _pinned(self, session: requests.Session) -> tuple[str, str]:
        """The URL with the address that was looked at: asked again, the name might lead somewhere else."""
        parts = _split(self.url, self.where)
        host, port = str(parts.hostname), parts.port
        address = self._address(host, port or (443 if parts.scheme == "https" else 80))
        session.mount("https://", _Pinned(host))
        netloc = f"[{address}]" if ":" in address else address
        netloc = f"{netloc}:{port}" if port else netloc
        return urlunsplit(parts._replace(netloc=netloc)), parts.netloc

    def _address(self, host: str, port: int) -> str:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        addresses = [str(pair[4][0]) for pair in answers]
        for address in addresses:
            self._require_reachable(address)
        return addresses[0]

    def _require_reachable(self, address: str) -> None:
        if not is_reachable(address, self.opened):
            raise RequestError(
                "the host has an address that is not public",
                where=self.where,
                remedy="when it is meant to be asked, the operator opens its network by `private_networks` in allowed.yaml",
            )
        if _split(self.url, self.where).scheme == "http" and not is_opened(address, self.opened):
            raise RequestError(
                "plain http to an address outside of the networks that allowed.yaml opens",
                where=self.where,
                remedy="write https://",
            )


class Body:
    """What is posted: bytes, and files that are opened when their turn comes, with their sizes."""

    def __init__(self, pieces: Sequence[bytes | tuple[int, Opened]]) -> None:
        self.pieces = pieces
        self._size = sum(len(piece) if isinstance(piece, bytes) else piece[0] for piece in pieces)
        self._left, self._file = list(pieces), None

    _file: BinaryIO | None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(BLOCK_BYTES), b"")

    def read(self, size: int = -1) -> bytes:
        while self._left or self._file:
            if self._file is None:
                piece = self._left.pop(0)
                if isinstance(piece, bytes):
                    if piece:
                        return piece
                    continue
                self._file = piece[1]()
            block = self._file.read(size if size and size > 0 else BLOCK_BYTES)
            if block:
                return block
            self._file.close()
            self._file = None
        return b""

    def again(self) -> "Body":
        """The same from its first byte."""
        return Body(self.pieces)


class _Pinned(HTTPAdapter):
    """TLS for `host`, whatever address stands in the URL; large blocks."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **settings: Any) -> None:
        super().init_poolmanager(
            connections,
            maxsize,
            block,
            server_hostname=self.host,
            assert_hostname=self.host,
            blocksize=BLOCK_BYTES,
            **settings,
        )


def _split(url: str, where: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError("the URL cannot be read", where=where) from None
    return parts


def _require_success(answer: requests.Response, where: str) -> None:
    code = answer.status_code
    if 200 <= code < 300:
        return
    if is_passing(code):
        after_s = retry_after_s(answer.headers.get("Retry-After"))
        raise RetryableError(f"the server answered {code}", where=where, after_s=after_s)
    if 300 <= code < 400:
        raise RequestError(
            f"the server sends us elsewhere ({code}); no redirect is followed",
            where=where,
            remedy="write the URL that it leads to",
        )
    raise RequestError(f"the server refuses it ({code})", where=where, remedy="ask who runs it")


def utc_seconds(at: datetime) -> str:
    return str(int(at.astimezone(UTC).timestamp()))
