"""A proxy in front of moto, on which calls of records go wrong as they do at Amazon: throttled, failed in part, cut, slow."""

import http.client
import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import urlsplit

from export_pipelines_servers.http_server import HttpServer, whole_body

Fault = Literal[
    "pass",  # on to moto
    "throttle",  # the whole call is refused
    "partial",  # some of the records fail, the others are stored
    "cut",  # the connection ends, nothing was carried out
    "lost",  # the same, after the call was carried out
    "error",  # 500, nothing was carried out
    "broken",  # 500, after the call was carried out
    "slow",  # carried out, and answered after `slow_s`
    "late",  # carried out after `slow_s`
]
POLL_S = 0.02  # how soon it hears that it is to end
TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Words:
    """How a service names what differs."""

    failed: str
    answers: str
    throttled: str


WORDS: Mapping[str, Words] = {
    "PutRecords": Words("FailedRecordCount", "Records", "ProvisionedThroughputExceededException"),
    "PutRecordBatch": Words("FailedPutCount", "RequestResponses", "ServiceUnavailableException"),
}


@dataclass(frozen=True)
class Call:
    """One call of records: what happened to it, its records as they came, and which were stored."""

    fault: Fault
    at: float
    records: Sequence[Mapping[str, str]]
    stored: Sequence[int]


@dataclass
class FailingAws:
    """`script`: what happens to the next calls, in order; then what `chances` say, by a seeded choice. `share` of the
    records fail in a partial failure. `capacity`: records that are stored in one second, the others are throttled."""

    url: str = ""
    script: deque[Fault] = field(default_factory=deque)
    chances: Mapping[Fault, float] = field(default_factory=dict)
    share: float = 0.4
    slow_s: float = 1.5
    capacity: int | None = None
    calls: list[Call] = field(default_factory=list)
    choice: random.Random = field(default_factory=lambda: random.Random(7))
    lock: threading.Lock = field(default_factory=threading.Lock)
    _second: tuple[int, int] = (0, 0)

    def next_fault(self) -> Fault:
        with self.lock:
            if self.script:
                return self.script.popleft()
            chance = self.choice.random()
            for fault, share in self.chances.items():
                if chance < share:
                    return fault
                chance -= share
            return "pass"

    def taken(self, fault: Fault, records: int) -> list[int]:
        """The positions that are stored."""
        with self.lock:
            if fault in ("throttle", "cut", "error"):
                return []
            positions = list(range(records))
            if fault == "partial":
                failed = set(self.choice.sample(positions, max(1, int(records * self.share))))
                positions = [position for position in positions if position not in failed]
            if self.capacity is not None:
                second, used = self._second
                used = used if second == int(time.monotonic()) else 0
                positions = positions[: max(0, self.capacity - used)]
                self._second = int(time.monotonic()), used + len(positions)
            return positions


@contextmanager
def failing_aws(server: str) -> Iterator[FailingAws]:
    """A proxy on loopback in front of moto at the URL `server`."""
    proxy = FailingAws()
    host = urlsplit(server).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = whole_body(self, int(self.headers.get("Content-Length") or 0))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            if operation not in WORDS:
                self._answer(*self._forwarded(body))
                return
            self._put(body, WORDS[operation])

        def _put(self, body: bytes, words: Words) -> None:
            fault, request = proxy.next_fault(), json.loads(body)
            stored = proxy.taken(fault, len(request["Records"]))
            if fault == "late":
                time.sleep(proxy.slow_s)
            with proxy.lock:  # what moto has is in the order of `calls`
                proxy.calls.append(Call(fault, time.monotonic(), request["Records"], stored))
                status, answer = self._carried_out(request, stored, words)
            if fault == "slow":
                time.sleep(proxy.slow_s)
            if fault in ("cut", "lost"):
                self.close_connection = True
            elif fault == "throttle":
                self._answer(400, json.dumps({"__type": words.throttled, "message": ""}).encode())
            elif fault in ("error", "broken"):
                self._answer(500, json.dumps({"__type": "InternalFailure", "message": ""}).encode())
            else:
                self._answer(status, answer)

        def _carried_out(self, request: Any, stored: Sequence[int], words: Words) -> tuple[int, bytes]:
            records = request["Records"]
            failed = {"ErrorCode": words.throttled, "ErrorMessage": "Rate exceeded"}
            answers: list[Any] = [failed] * len(records)
            if stored:
                part = json.dumps({**request, "Records": [records[position] for position in stored]})
                status, answer = self._forwarded(part.encode())
                if status != 200:
                    return status, answer
                for position, said in zip(stored, json.loads(answer)[words.answers], strict=True):
                    answers[position] = said
            whole = {words.failed: len(records) - len(stored), words.answers: answers}
            return 200, json.dumps(whole).encode()

        def _forwarded(self, body: bytes) -> tuple[int, bytes]:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() in ("x-amz-target", "authorization", "content-type", "x-amz-date")
            }
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request("POST", self.path, body, {**headers, "Host": host})
            answer = connection.getresponse()
            said = answer.status, answer.read()
            connection.close()
            return said

        def _answer(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the client has given up
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    served = HttpServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{served.server_address[1]}"
    thread = threading.Thread(target=served.serve_forever, args=(POLL_S,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        served.shutdown()
        served.server_close()
