"""`/deliveries`: what went where, with receipts, and trying again what did not arrive."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from export_pipelines.definition.delivery import read_entry
from export_pipelines.errors import Denied, ExportError, RequestError
from export_pipelines.ledger import AuditAction, Delivery, State
from export_pipelines.listings import delivery_listing
from export_pipelines.service.auth import Caller, Known
from export_pipelines.service.problems import Problem, answers, not_here, problem_of
from export_pipelines.service.service import Service, service_of
from export_pipelines.service.visible import may_see

router = APIRouter(prefix="/deliveries", tags=["deliveries"])


class DeliveryView(BaseModel):
    """`to` is the place under `deliver:`, from 1. `receipt` is the proof of arrival."""

    id: str
    artifact: str
    to: int
    kind: str
    target: str
    state: str
    bytes: int | None
    error: str | None
    next_at: str | None
    receipt: dict[str, Any] | None
    attempts: list[dict[str, Any]]


class Retry(BaseModel):
    """`again` sends also what arrived already, or may have."""

    model_config = ConfigDict(extra="forbid")

    again: bool = False


class Retried(BaseModel):
    """The run of Dagster that tries."""

    run_id: str
    status: Literal["queued"] = "queued"


@router.get(
    "",
    operation_id="listDeliveries",
    summary="Deliveries, newest artifacts first",
    responses=answers(403, 422),
)
def list_deliveries(
    request: Request,
    caller: Known,
    export: Annotated[str | None, Query(max_length=200)] = None,
    artifact: Annotated[str | None, Query(max_length=500)] = None,
    state: Annotated[list[State] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[DeliveryView]:
    caller.require("view")
    service = service_of(request)
    ledger, shown = service.project.ledger, list[Delivery]()
    seen: dict[str, bool] = {}
    for delivery in ledger.deliveries(export, artifact, state):
        if delivery.export not in seen:
            seen[delivery.export] = may_see(service, caller, delivery.export)
        if seen[delivery.export]:
            shown.append(delivery)
        if len(shown) == limit:
            break
    return [DeliveryView(**delivery_listing(ledger, delivery)) for delivery in shown]


@router.post(
    "/{id}/retry",
    operation_id="retryDelivery",
    summary="Try a delivery again",
    status_code=202,
    responses=answers(400, 403, 404, 408, 410, 413, 422),
)
def retry_delivery(
    request: Request,
    caller: Known,
    id: Annotated[str, Path(min_length=1, max_length=200)],
    body: Retry | None = None,
) -> Retried:
    caller.require("create")
    service = service_of(request)
    delivery = _own(service, caller, id)
    again = bool(body and body.again)
    if delivery.state == "delivered" and not again:
        raise Problem(422, "delivered", "it has arrived; say again: true to send it once more")
    try:
        manifest = service.project.store.manifest(delivery.artifact)
        service.project.require_deliverable(manifest, read_entry(delivery.entry), caller.asker)
    except Denied as error:
        raise problem_of(error) from None
    except RequestError:
        raise Problem(410, "gone", "the artifact is not kept any more") from None
    run_id = service.runs.submit_delivery(delivery.id, again, caller.principal)
    service.audit(
        caller.principal, AuditAction.REQUESTED, delivery.artifact, delivery=delivery.id, run_id=run_id
    )
    return Retried(run_id=run_id)


def _own(service: Service, caller: Caller, id: str) -> Delivery:
    try:
        delivery = service.project.ledger.delivery(id)
    except ExportError:
        raise not_here("delivery") from None
    if not may_see(service, caller, delivery.export):
        raise not_here("delivery")
    return delivery
