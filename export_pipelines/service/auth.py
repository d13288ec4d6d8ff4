"""Who asks: an API key, as the password of the user `API` or as a bearer token, gives a principal with permissions."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from export_pipelines.access import Grant, Permission, Policy, asker_of, grants_of
from export_pipelines.access.policy import PERMISSIONS
from export_pipelines.errors import ExportError
from export_pipelines.ledger import ApiKeys, Sessions
from export_pipelines.ledger.sessions import is_session
from export_pipelines.project import Project
from export_pipelines.service.addresses import address_of
from export_pipelines.service.limits import throttled
from export_pipelines.service.problems import Problem
from export_pipelines.service.service import Service, service_of

USER = "API"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="export-pipelines", charset="UTF-8"'}

_basic = HTTPBasic(auto_error=False, description=f"User `{USER}`, the key as password.")
_bearer = HTTPBearer(auto_error=False, description="The key as a bearer token.")


@dataclass(frozen=True)
class Caller:
    """`asker` is the principal whose rights hold beside an owner's; None without access.yaml, where the operator may do
    everything. `key` is what is compared with the ledger again while a download runs."""

    principal: str
    permissions: frozenset[Permission]
    asker: str | None = None
    grants: tuple[Grant, ...] = ()
    key: str = field(default="", repr=False)

    def require(self, permission: Permission) -> None:
        """Raises Problem."""
        if permission not in self.permissions:
            raise Problem(403, "denied", f'your roles do not have the permission "{permission}"')

    @property
    def is_admin(self) -> bool:
        return "admin" in self.permissions


def caller_with(project: Project, key: str) -> Caller:
    """Whose key it is, or whose session on the page, by access.yaml as it is now. Raises ExportError for a key or session that
    is not good, and for a principal that has no role any more."""
    now, engine = project.now(), project.ledger.engine
    principal = Sessions(engine).use(key, now) if is_session(key) else ApiKeys(engine).use(key, now)
    return caller_named(project, principal, key)


def caller_named(project: Project, principal: str, key: str = "") -> Caller:
    """The principal with the rights of today. Raises ExportError for one that has none any more."""
    policy = project.access.read()
    if policy is None:
        return Caller(principal, frozenset(PERMISSIONS), key=key)
    asker_of(policy, principal, principal)
    return _with_rights_of(project, policy, principal, key)


def link_maker(project: Project, name: str) -> Caller:
    """Whoever made a link, with the rights of today: a principal, or a team that owns an export. Raises ExportError."""
    policy = project.access.read()
    if policy is None:
        return Caller(name, frozenset(PERMISSIONS))
    return _with_rights_of(project, policy, name)


def _with_rights_of(project: Project, policy: Policy, name: str, key: str = "") -> Caller:
    grants = grants_of(policy, name, project.now())
    permissions = frozenset(permission for grant in grants for permission in grant.permissions)
    return Caller(name, permissions, name, grants, key)


def caller_of(
    request: Request,
    basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Raises Problem for a wrong or missing key, and for a caller who asks too often."""
    service = service_of(request)
    _require_own_pages(request)
    key = bearer.credentials if bearer else ""
    if basic and basic.username == USER:
        key = basic.password
    caller = authenticated(service, key, address_of(request))
    request.state.caller = caller  # for the audit of what is refused
    return caller


def authenticated(service: Service, key: str, address: str) -> Caller:
    """The owner of `key`, who asks from `address`. Raises Problem."""
    if not key:
        raise unauthorised("an API key is needed")
    try:
        caller = caller_with(service.project, key)
    except ExportError as error:
        service.deny(address, error)
        raise unauthorised("the API key is not good") from None
    if wait_s := service.requests_by_principal.wait_s(caller.principal):
        service.metrics.denials.labels("throttled").inc()
        raise throttled(wait_s)
    return caller


def _require_own_pages(request: Request) -> None:
    """Raises Problem where the page of another site lets a browser, which knows a key, change something."""
    site = request.headers.get("sec-fetch-site", "none")
    if request.method not in ("GET", "HEAD") and site not in ("none", "same-origin"):
        raise Problem(403, "denied", "the page of another site may not ask for this")


def unauthorised(detail: str) -> Problem:
    return Problem(401, "unauthorised", detail, headers=CHALLENGE)


Known = Annotated[Caller, Depends(caller_of)]
