"""Signing in by OpenID Connect. What a sign-in has to remember stands in a signed cookie for ten minutes, so that any process
of the service can end what another began, and strangers write nothing into the ledger."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.errors import Denied, ExportError, RetryableError
from export_pipelines.ledger import AuditAction, Sessions
from export_pipelines.service.addresses import address_of, network_of
from export_pipelines.service.auth import caller_named
from export_pipelines.service.pages.open_id_provider import Provider, principal_of
from export_pipelines.service.pages.rendering import ROOT
from export_pipelines.service.pages.session import (
    SIGN_IN,
    is_secure,
    origin_of,
    own_page,
    set_session,
    sign_in_page,
)
from export_pipelines.service.problems import not_here
from export_pipelines.service.service import Service, service_of

router = APIRouter()

COOKIE = "export_pipelines_sign_in"
COOKIE_S = 600
PURPOSE = "links"  # the key of the service's signatures
BACK = f"{SIGN_IN}/back"
REFUSED = (
    "This account has no access here. Ask whoever runs the exports to add it, or choose another account."
)
FAILED = "Signing in did not work. Please try again."
AWAY = "The sign-in service does not answer. Try again in a minute, or use an API key."

provider_of = lru_cache(Provider)  # by the settings: its metadata and keys are kept


@router.get("/sign-in/provider")
async def to_provider(request: Request, next: str = ROOT, again: bool = False) -> Response:
    """`again` lets a person choose another account than the one that was refused."""
    service = service_of(request)
    _require_open_id(service)
    session = request.scope["session"] = dict[str, Any]()
    try:
        answer = await provider_of(service.settings).redirect(request, f"{origin_of(request)}{BACK}", again)
    except RetryableError:
        return sign_in_page(request, 503, next, AWAY)
    remembered = {"session": session, "next": own_page(next)}
    answer.set_cookie(
        COOKIE,
        await anyio.to_thread.run_sync(_signed, service, remembered),
        max_age=COOKIE_S,
        path=SIGN_IN,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/sign-in/back")
async def from_provider(request: Request) -> Response:
    """Where the provider sends the browser; starts a session for the principal that the claim names."""
    service = service_of(request)
    _require_open_id(service)
    kept = await anyio.to_thread.run_sync(_remembered, request, service)
    request.scope["session"] = dict(kept.get("session", {}))
    next = own_page(str(kept.get("next", ROOT)))
    try:
        claims = await provider_of(service.settings).claims(request, service.settings.oidc_claim)
    except RetryableError:
        return _ended(sign_in_page(request, 503, next, AWAY))
    except Denied as error:
        await anyio.to_thread.run_sync(_refuse, service, request, error)
        return _ended(sign_in_page(request, 401, next, FAILED))
    try:
        token = await anyio.to_thread.run_sync(_start, service, request, claims)
    except Denied as error:
        await anyio.to_thread.run_sync(_refuse, service, request, error)
        return _ended(sign_in_page(request, 403, next, REFUSED, again=True))
    answer = RedirectResponse(next, 303)
    set_session(request, answer, token)
    return _ended(answer)


def _start(service: Service, request: Request, claims: Mapping[str, Any]) -> str:
    """A session of the ledger; gives its token. Raises Denied, uniformly to whoever asks."""
    project = service.project
    try:
        policy = project.access.read()
    except ExportError:  # its text quotes the file
        raise Denied("access.yaml cannot be read") from None
    if policy is None:
        raise Denied("there is no access.yaml any more")
    principal = principal_of(policy, claims, service.settings.oidc_claim)
    try:
        caller = caller_named(project, principal)
    except ExportError:  # its text says who, and since when
        raise Denied("the principal has no role") from None
    token = Sessions(project.ledger.engine).new(caller.principal, project.now())
    service.audit(
        caller.principal,
        AuditAction.SIGNED_IN,
        "page",
        network=network_of(address_of(request)),
        by=service.settings.oidc_issuer,
    )
    return token


def _refuse(service: Service, request: Request, error: Denied) -> None:
    """Into the audit, without the person. Raises Problem for an address that is refused too often."""
    service.deny(address_of(request), error, by=service.settings.oidc_issuer, why=error.what)


def _require_open_id(service: Service) -> None:
    if not service.settings.oidc_issuer:
        raise not_here("page")


def _remembered(request: Request, service: Service) -> Mapping[str, Any]:
    """Empty for a cookie that is missing, changed or too old; then the state is unknown, and the answer refused."""
    from itsdangerous import BadData

    try:
        values: dict[str, Any] = _signer(service).loads(request.cookies.get(COOKIE, ""), max_age=COOKIE_S)
    except BadData:
        return {}
    return values


def _signed(service: Service, values: Mapping[str, Any]) -> str:
    text: str = _signer(service).dumps(values)
    return text


def _signer(service: Service) -> Any:
    from itsdangerous import URLSafeTimedSerializer

    key = service.project.settings.link_key.active(PURPOSE)
    return URLSafeTimedSerializer(key.material, salt="export_pipelines sign-in")


def _ended(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, path=SIGN_IN)
    return answer
