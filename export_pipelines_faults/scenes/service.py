"""The service: an export that is asked for over HTTP, and a file that is fetched, by a client that may ask again."""

import hashlib
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import requests

from export_pipelines.ledger import ApiKeys
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines_faults import invariants
from export_pipelines_faults.acts import EXPORT
from export_pipelines_faults.scene import Act, Do, Scene
from export_pipelines_faults.world import World

UP_S, ANSWER_S = 60.0, 10.0
ASKED = {"export": EXPORT, "partition": "2024-01-03"}
IDEMPOTENCY_KEY = "one-request-of-the-campaign"
AT_ONCE = (invariants.the_audit_is_whole, invariants.errors_are_clear, invariants.no_plaintext_is_left)


def _exported(world: World, do: Do) -> None:
    do(("run", world.days))
    ledger = world.project.ledger
    world.key = ApiKeys(ledger.engine).new(OPERATOR, timedelta(days=1), datetime.now(UTC), b"k" * 32)


def _serve(world: World) -> Act:
    return "command", ("serve", "--port", str(world.servers.service_port))


def _client(world: World) -> str:
    """Asks for an export, and fetches a file. A body that came whole is the file."""
    url = f"http://127.0.0.1:{world.proxies['service'].port}"
    until = time.monotonic() + UP_S
    try:
        while not _is_up(world):
            if time.monotonic() > until:
                return "it does not come up"
            time.sleep(0.05)
        auth = ("API", world.key)
        answer = requests.post(
            f"{url}/exports",
            json=ASKED,
            auth=auth,
            timeout=ANSWER_S,
            headers={"Idempotency-Key": IDEMPOTENCY_KEY},
        )
        if not answer.ok:
            return f"asked for: {answer.status_code} {answer.text}"
        if not _is_in_dagster(world, until):
            return "the request was not handed to Dagster"
        manifest = world.project.store.latest(EXPORT)
        assert manifest
        part = manifest.parts[0]
        file = requests.get(
            f"{url}/artifacts/{manifest.artifact}/files/{part.name}", auth=auth, timeout=ANSWER_S
        )
        if not file.ok:
            return f"fetched: {file.status_code} {file.text}"
        if hashlib.sha256(file.content).hexdigest() != part.sha256:
            world.seen.append("a file was fetched that is not what the manifest says")
    except (requests.RequestException, ValueError) as error:
        return f"{type(error).__name__}"
    return ""


def _is_in_dagster(world: World, until: float) -> bool:
    """A service hands over what another one, which was killed, has written down: within half a minute."""
    while not (runs := _runs(world)) and time.monotonic() < until and not world.has_ended():
        time.sleep(0.2)
    return bool(runs)


def _runs(world: World) -> list[str]:
    with closing(sqlite3.connect(world.home / "dagster" / "history" / "runs.db")) as connection:
        return [row[0] for row in connection.execute("SELECT run_id FROM runs")]


def _is_up(world: World) -> bool:
    """Asked beside the proxy, which is for the client."""
    try:
        return requests.get(f"http://127.0.0.1:{world.servers.service_port}/health", timeout=ANSWER_S).ok
    except requests.ConnectionError:
        if world.has_ended():
            raise
        return False


def asked_once(world: World) -> list[str]:
    """One request in the ledger, and one run of it in Dagster."""
    asked = world.project.export_requests.page(datetime.now(UTC), 10)
    runs = _runs(world)
    faults = [] if len(asked) == 1 else [f"{len(asked)} requests were written"]
    if runs != [request.run_id for request in asked]:
        faults.append(f"Dagster has {len(runs)} runs")
    return faults


def nothing_wrong_was_fetched(world: World) -> list[str]:
    """No client got a whole body of other bytes."""
    return world.seen


SERVICE = Scene(
    "service",
    _serve,
    _serve,
    (*AT_ONCE, nothing_wrong_was_fetched),
    (*AT_ONCE, nothing_wrong_was_fetched, asked_once, invariants.no_debris_is_left_by_the_sweep),
    {"to": ("",), "dagster": (True,), "serves": (True,)},
    prepare=_exported,
    client=_client,
)
