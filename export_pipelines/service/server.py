"""Runs the service under uvicorn: connections that say nothing are closed, readers that stall can be cut off."""

import asyncio
import logging
import os
import threading
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from export_pipelines.project import Project
from export_pipelines.service.app import create_app
from export_pipelines.service.heap import freeze_heap
from export_pipelines.service.pages.open_id_provider import require_authlib
from export_pipelines.service.settings import ServiceSettings
from export_pipelines.signed_links import signing_key

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 30
READ_BYTES = 32 * 1024  # of a request at a time; asyncio would take room for 256 KB
LOOK_S = 1.0  # between looks at the parent


def serve(project: Project, settings: ServiceSettings, parent: int | None = None) -> None:
    """Serves until SIGTERM or SIGINT, or until the process `parent` has ended, then lets downloads end for
    `settings.stop_s`. Raises SettingsError."""
    if project.access.read() is None:
        settings.require_loopback()
        settings.require_no_open_id()
    if settings.oidc_issuer:
        require_authlib()
    signing_key(project.settings)
    project.__dict__.pop("settings", None)  # which may not have held it yet
    server = server_of(project, settings)
    freeze_heap()
    if parent is not None:
        threading.Thread(target=_end_with, args=(server, parent), daemon=True).start()
    server.run()


def _end_with(server: uvicorn.Server, parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    server.should_exit = True


def server_of(project: Project, settings: ServiceSettings) -> uvicorn.Server:
    app = create_app(project, settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="asyncio",  # uvloop knows no sendfile
        http=_protocol(settings.request_s),
        ws="none",
        lifespan="on",
        access_log=False,  # it would print the signatures of links; the service logs its answers itself
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.stop_s,
        limit_concurrency=settings.connections,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
    return uvicorn.Server(config)


def _protocol(request_s: float) -> type[asyncio.Protocol]:
    class Protocol(HttpToolsProtocol):
        """uvicorn's, with a time for the head of a request, and itself in the state of its scope."""

        _head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            transport.max_size = READ_BYTES
            super().connection_made(transport)
            self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._has_head()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["state"]["protocol"] = self
            if self._head_timer is None:  # another request on a connection that was kept
                self._await_head()

        def on_headers_complete(self) -> None:
            self._has_head()
            super().on_headers_complete()

        def _await_head(self) -> None:
            self._head_timer = self.loop.call_later(request_s, self.transport.abort)

        def _has_head(self) -> None:
            if self._head_timer:
                self._head_timer.cancel()
                self._head_timer = None

    return Protocol
