"""Signing in and out on the page: a session in the ledger, its token in a cookie, and a proof in every form."""

import hashlib
import hmac
import secrets
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlsplit

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import ImmutableMultiDict

from export_pipelines.access.keys import id_of
from export_pipelines.ledger import AuditAction, Sessions
from export_pipelines.ledger.sessions import LIFETIME, is_session
from export_pipelines.service.addresses import address_of, network_of
from export_pipelines.service.auth import Caller, authenticated, unauthorised
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.problems import Problem
from export_pipelines.service.service import service_of

router = APIRouter()

COOKIE = "export_pipelines_session"
ANONYMOUS_BYTES = 24
MOST_FIELDS = 5_000
SIGN_IN = f"{ROOT}/sign-in"
WRONG_KEY = "That key is not good: it is mistyped, has expired or was revoked."

Form = ImmutableMultiDict[str, str]


def token_of(request: Request) -> str:
    """The cookie's value: a session's token, or a random text before signing in, to which the form is bound."""
    token: str = getattr(request.state, "token", "") or request.cookies.get(COOKIE, "")
    return token


def csrf_of(token: str) -> str:
    """What every form of a session carries; other sites cannot know it."""
    return hmac.digest(token.encode("utf-8", "replace"), b"export_pipelines forms", hashlib.sha256).hex()


def signed_in(request: Request) -> Caller:
    """Whose session it is. Raises Problem, which the browser sees as the page for signing in."""
    token = token_of(request)
    if not is_session(token):
        raise unauthorised("sign in first")
    caller = authenticated(service_of(request), token, address_of(request))
    request.state.caller = caller
    return caller


async def posted(request: Request) -> Form:
    """The fields of a form that this page made. Raises Problem for one that another site sent."""
    try:
        text = (await request.body()).decode()
        form = Form(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError:
        raise Problem(400, "form", "the form cannot be read") from None
    token = token_of(request)
    if not token or not hmac.compare_digest(form.get("csrf", "").encode(), csrf_of(token).encode()):
        raise Problem(403, "csrf", "the form is too old, or not from this page: open the page again")
    return form


SignedIn = Annotated[Caller, Depends(signed_in)]
Posted = Annotated[Form, Depends(posted)]


@router.get("/sign-in")
def sign_in_form(request: Request, next: str = ROOT) -> Response:
    return sign_in_page(request, 200, next)


@router.post("/sign-in")
async def sign_in(request: Request, form: Posted) -> Response:
    service, key = service_of(request), form.get("key", "").strip()

    def start() -> str:
        if is_session(key):
            raise unauthorised("that is no API key")
        caller = authenticated(service, key, address_of(request))
        now = service.project.now()
        token = Sessions(service.project.ledger.engine).new(caller.principal, now, id_of(key))
        service.audit(
            caller.principal, AuditAction.SIGNED_IN, "page", network=network_of(address_of(request))
        )
        return token

    try:
        token = await anyio.to_thread.run_sync(start)
    except Problem as problem:
        if problem.status != 401:
            raise
        return sign_in_page(request, 401, form.get("next", ""), WRONG_KEY)
    answer = RedirectResponse(own_page(form.get("next", "")), 303)
    set_session(request, answer, token)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, caller: SignedIn, form: Posted) -> Response:
    """Ends this session, or with `everywhere` all of the principal's."""
    service = service_of(request)
    sessions = Sessions(service.project.ledger.engine)
    if form.get("everywhere"):
        sessions.end_all(caller.principal)
    else:
        sessions.end(token_of(request))
    service.audit(caller.principal, AuditAction.SIGNED_OUT, "page", everywhere=bool(form.get("everywhere")))
    answer = RedirectResponse(SIGN_IN, 303)
    answer.delete_cookie(COOKIE)
    return answer


def to_sign_in(request: Request) -> Response:
    """Instead of a page that needs a session; afterwards the person is where they wanted to go."""
    wanted = request.url.path if request.method == "GET" else ROOT
    query = f"?next={quote(wanted, safe='/')}" if wanted != ROOT else ""
    answer = RedirectResponse(SIGN_IN + query, 303)
    answer.delete_cookie(COOKIE)
    return answer


def sign_in_page(
    request: Request, status: int, next: str, fault: str | None = None, again: bool = False
) -> Response:
    """The ways to sign in; `again` offers another account of the provider."""
    token = token_of(request)
    is_fresh = not token or is_session(token)
    if is_fresh:
        request.state.token = secrets.token_urlsafe(ANONYMOUS_BYTES)
    issuer = service_of(request).settings.oidc_issuer
    answer = page(
        "sign_in.html",
        request,
        None,
        status,
        next=own_page(next),
        fault=fault,
        again=again,
        provider=urlsplit(issuer).hostname,
    )
    if is_fresh:
        set_session(request, answer, request.state.token)
    return answer


def own_page(path: str) -> str:
    """`path` if it is a page of ours; no form sends anybody elsewhere."""
    is_ours = path == ROOT or path.startswith(f"{ROOT}/")
    return path if is_ours and "\\" not in path and path.isprintable() else ROOT


def origin_of(request: Request) -> str:
    """Where browsers reach this page: by the service's public URL, where one is set; `https://exports.acme.example`."""
    public = urlsplit(service_of(request).public_url or "")
    if public.scheme and public.netloc:
        return f"{public.scheme}://{public.netloc}"
    return f"{request.url.scheme}://{request.url.netloc}"


def is_secure(request: Request) -> bool:
    """Whether cookies go over TLS alone."""
    return origin_of(request).startswith("https:")


def set_session(request: Request, answer: Response, token: str) -> None:
    answer.set_cookie(
        COOKIE,
        token,
        max_age=round(LIFETIME.total_seconds()),
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
