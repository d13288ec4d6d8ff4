"""Makes the application: its routes, its errors as problem documents, its headers, and what runs beside requests."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from export_pipelines.errors import ExportError
from export_pipelines.ledger import AuditAction, AuditOutcome
from export_pipelines.orchestration import open_instance
from export_pipelines.orchestration.requests import RequestedRuns
from export_pipelines.project import Project
from export_pipelines.run.memory import trim_heap
from export_pipelines.service import api, pages
from export_pipelines.service.desk import refreshed, submit_lost
from export_pipelines.service.file_body import drained_or_cut
from export_pipelines.service.limits import BodyLimits
from export_pipelines.service.problems import (
    Fault,
    Problem,
    ProblemDocument,
    answer_problem,
    pointer,
    problem_of,
)
from export_pipelines.service.service import Service
from export_pipelines.service.settings import ServiceSettings

log = logging.getLogger(__name__)

REFUSALS = (403, 404)  # statuses of what is not given to somebody
GONE_CLIENT = 499  # in logs, as nginx has it, of a client that went away before its request was whole
UNAVAILABLE = (429, 500, 503)  # of what nobody gets at the moment
NAMED = ("export", "window", "token", "id")  # of a route, which the audit tells
BESIDE_S = 5.0  # between looks at requests whose run was lost, or has ended unseen
HSTS = "max-age=31536000"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def create_app(project: Project, settings: ServiceSettings) -> FastAPI:
    """The service over a project. Opens Dagster's instance of the project, and closes it when the application ends."""
    instance = open_instance(project.settings, project.root, project.environment)
    service = Service(project, RequestedRuns(project, instance), settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beside = asyncio.create_task(_beside(service))
        try:
            yield
        finally:
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside
            service.runs.close()

    app = FastAPI(
        title="export_pipelines",
        description="Exports of leads and events over HTTP.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(api.router)
    app.include_router(pages.router)
    _handle_errors(app)
    app.add_middleware(BodyLimits, most_bytes=settings.body_bytes, within_s=settings.request_s)
    app.add_middleware(_Answers, service=service)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


async def _beside(service: Service) -> None:
    """Submits what was lost, and sees what has ended, whoever asks."""

    def look() -> None:
        submit_lost(service)
        refreshed(service, service.project.export_requests.unfinished())
        trim_heap()

    while True:
        try:
            await anyio.to_thread.run_sync(look)
        except Exception as error:
            log.error("looking at requests failed", extra={"error": type(error).__name__})
        await asyncio.sleep(BESIDE_S)


def _handle_errors(app: FastAPI) -> None:
    async def answered(request: Request, problem: Problem) -> Response:
        if pages.is_page(request):
            return await anyio.to_thread.run_sync(pages.problem_page, request, problem)
        return await answer_problem(request, problem)

    async def of_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        await _noted(request, error)
        return await answered(request, error)

    async def of_program(request: Request, error: Exception) -> Response:
        assert isinstance(error, ExportError)
        return await of_problem(request, problem_of(error))

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return await of_problem(request, _malformed(error))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        codes = {404: "not_found", 405: "method", 400: "request"}
        code = codes.get(error.status_code, "http")
        problem = Problem(error.status_code, code, str(error.detail), headers=error.headers)
        return await answered(request, problem)

    async def of_fault(request: Request, error: Exception) -> Response:
        """A foreign error's text may quote anything: the class stands for it."""
        detail = f"an unexpected {type(error).__name__}; the log has it"
        return await answered(request, Problem(500, "unexpected", detail))

    async def of_gone_client(_: Request, __: Exception) -> Response:
        return Response(status_code=GONE_CLIENT)

    app.add_exception_handler(ClientDisconnect, of_gone_client)
    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(ExportError, of_program)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_fault)


async def _noted(request: Request, problem: Problem) -> None:
    """What a known caller was refused stands in the audit, once; an unknown one's is noted where the key was looked at. A wrong
    request that is no refusal is only counted."""
    service = request.app.state.service
    caller = getattr(request.state, "caller", None)
    if caller is None or (problem.status in UNAVAILABLE and not problem.is_refusal):
        return
    service.metrics.denials.labels(problem.code).inc()
    if problem.is_recorded or not (problem.is_refusal or problem.status in REFUSALS):
        return
    route = request.scope.get("route")
    subject = f"{request.method} {getattr(route, 'path', '')}"

    def note() -> None:
        asked = {key: request.path_params[key] for key in NAMED if key in request.path_params}
        service.audit(
            caller.principal,
            AuditAction.DENIED,
            subject,
            AuditOutcome.DENIED,
            code=problem.code,
            status=problem.status,
            **asked,
        )

    await anyio.to_thread.run_sync(note)


def _malformed(error: RequestValidationError) -> Problem:
    """A parameter or a body that does not have the form that OpenAPI says. Values are not repeated."""
    faults = []
    for fault in error.errors():
        place, *key = fault["loc"]
        if place == "body":
            faults.append(Fault(detail=fault["msg"], pointer=pointer(key)))
        else:
            faults.append(Fault(detail=fault["msg"], parameter=".".join(map(str, key))))
    detail = "; ".join(f"{fault.parameter or fault.pointer or 'body'}: {fault.detail}" for fault in faults)
    return Problem(422, "request", detail, faults)


class _Answers:
    """Adds the headers that every answer has, counts answers, and logs each without its query or a link's signature."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers(scope, message)]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            self.service.metrics.answers.labels(scope["method"], str(status)).inc()
            ms = round((time.monotonic() - started) * 1000)
            log.info(
                "answered",
                extra={"method": scope["method"], "route": _route(scope), "status": status, "ms": ms},
            )
        await drained_or_cut(scope, self.service.settings.stalled_s)

    def _headers(self, scope: Scope, message: Message) -> Sequence[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in message.get("headers", ())}
        wanted = {**SECURITY, "Content-Security-Policy": API_POLICY}
        if scope.get("scheme") == "https":
            wanted["Strict-Transport-Security"] = HSTS
        raw = ((name.lower().encode(), value.encode()) for name, value in wanted.items())
        return [(name, value) for name, value in raw if name not in present]


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unknown"))


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        models = schema.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        models |= {**problem.pop("$defs", {}), "ProblemDocument": problem}
        for name in ("HTTPValidationError", "ValidationError"):
            models.pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema
