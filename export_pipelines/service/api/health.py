"""Whether the process lives, whether it can serve, and what it counts."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from export_pipelines.service.auth import Known
from export_pipelines.service.problems import answers
from export_pipelines.service.service import Service, service_of

router = APIRouter(tags=["operations"])

METRICS_TYPE = "text/plain; version=1.0.0; charset=utf-8"


class Health(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    """`checks` says of each part that requests need whether it answers: `ok`, or the class of its error."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


@router.get("/health", operation_id="health", summary="The process lives", responses=answers())
async def health() -> Health:
    return Health(status="ok")


@router.get(
    "/ready",
    operation_id="ready",
    summary="Ledger, store and Dagster answer",
    response_model=Readiness,
    responses={
        **answers(),
        503: {"model": Readiness, "description": "Something that requests need does not answer"},
    },
)
def ready(request: Request) -> JSONResponse:
    service = service_of(request)
    checks = {name: _checked(check) for name, check in _checks(service).items()}
    is_ready = all(text == "ok" for text in checks.values())
    readiness = Readiness(status="ready" if is_ready else "not ready", checks=checks)
    return JSONResponse(readiness.model_dump(), 200 if is_ready else 503)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={**answers(403), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, caller: Known) -> Response:
    caller.require("view")
    service = service_of(request)
    return Response(service.metrics.text(service), media_type=METRICS_TYPE)


def _checks(service: Service) -> dict[str, Callable[[], object]]:
    project = service.project
    return {
        "ledger": project.ledger.delivery_states,
        "store": project.store.is_empty,
        "dagster": lambda: None if service.runs.daemon_is_healthy() else _away(),
    }


def _away() -> None:
    raise RuntimeError("no daemon takes runs from the queue")


def _checked(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:
        return type(error).__name__ if not isinstance(error, RuntimeError) else str(error)
    return "ok"
