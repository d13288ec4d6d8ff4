"""A Grant: what one principal may have in one role on one day; of two grants the stricter side on every axis.

Roles are never mixed. A principal with several roles has one grant for each, in the order of the file, and a run acts in
one of them: what a role may see goes with that role's own flows, dates and destinations.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any

from export_pipelines.access.policy import EXPORT_TYPES, PERMISSIONS, Destinations, Permission, Policy
from export_pipelines.access.treatment import Pii, inside_of, removes_part, strictest, treatment_of
from export_pipelines.catalog import Component, Dataset, Field
from export_pipelines.definition.export import MaskWord
from export_pipelines.errors import Denied

Items = tuple[tuple[str, MaskWord], ...]


@dataclass(frozen=True)
class Grant:
    """`flows`: of each set a row's flow must be one, by name or id. `pii`: each holds. `since`: rows from then on.

    `destinations`: each must allow a place. None and empty tuples do not narrow.
    """

    principals: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    permissions: frozenset[Permission] = frozenset(PERMISSIONS)
    types: frozenset[str] = frozenset(EXPORT_TYPES)
    flows: tuple[tuple[str, ...], ...] = ()
    pii: tuple[Items, ...] = ()
    since: datetime | None = None
    max_rows: int | None = None
    min_group: int | None = None
    destinations: tuple[Destinations, ...] = ()

    def treatment(self, catalog_field: Field, dataset: Dataset) -> MaskWord:
        """The least strict treatment that the field's values may have."""
        return strictest(treatment_of(catalog_field, dict(items), dataset) for items in self.pii) or "keep"

    def inside(self, whole: Field, dataset: Dataset) -> MaskWord:
        """That of what an object holds undeclared."""
        return strictest(inside_of(whole, dict(items), dataset) for items in self.pii) or "keep"

    def removes(self, part: Component, dataset: Dataset) -> bool:
        """Whether a part of a value is removed whatever becomes of the value."""
        return any(removes_part(part, dict(items), dataset) for items in self.pii)

    def delivers_to(self, kind: str, place: str) -> bool:
        """Whether files may go to a place of this kind; see Destinations for what `place` is. `download` has none."""
        return all(_allows(destination, kind, place) for destination in self.destinations)

    @property
    def who(self) -> str:
        """`ana@acme.example as analyst`."""
        return f"{', '.join(self.principals)} as {', '.join(self.roles)}"


EVERYTHING = Grant()


@dataclass(frozen=True)
class Rights:
    """With whose rights a plan is made: those of the export's owner and, where somebody asked for the run, that one's."""

    owner: Grant
    asker: Grant = EVERYTHING
    effective: Grant = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "effective", narrower(self.owner, self.asker))


def narrower(grant: Grant, other: Grant) -> Grant:
    """What both may. Commutative and associative but for the order of names, idempotent; EVERYTHING changes nothing."""
    return Grant(
        principals=_both(grant.principals, other.principals),
        roles=_both(grant.roles, other.roles),
        permissions=grant.permissions & other.permissions,
        types=grant.types & other.types,
        flows=tuple(sorted({*grant.flows, *other.flows})),
        pii=tuple(sorted({*grant.pii, *other.pii})),
        since=max(filter(None, (grant.since, other.since)), default=None),
        max_rows=min(filter(None, (grant.max_rows, other.max_rows)), default=None),
        min_group=max(filter(None, (grant.min_group, other.min_group)), default=None),
        destinations=_both(grant.destinations, other.destinations),
    )


def grants_of(policy: Policy, principal: str, at: datetime) -> tuple[Grant, ...]:
    """A grant for each role of the principal, its own first, then those of its teams.

    Raises Denied for a name that is not known, or has no role on that day.
    """
    policy.require_known(principal)
    roles = tuple(
        replace(_grant_of(policy, role, at), principals=(principal,))
        for role, _ in policy.sources_of(principal, at)
    )
    if not roles:
        own = policy.principals.get(principal)
        gone = own is not None and own.is_expired(at.date())
        what = f"the rights of {principal} expired after {own.expires}" if own and gone else None
        raise Denied(
            what or f"{principal} has no role on {at.astimezone(UTC).date()}: its teams have expired",
            where=policy.at("principals", principal),
            remedy="whoever keeps the file can set a later day",
        )
    return roles


def require_permission(policy: Policy, principal: str, permission: Permission, at: datetime) -> None:
    """Raises Denied where no role of the principal has the permission on that day."""
    if not any(permission in grant.permissions for grant in grants_of(policy, principal, at)):
        raise Denied(
            f'{principal} has no role with the permission "{permission}"',
            where=policy.at("principals", principal),
            remedy="ask one who has",
        )


def _grant_of(policy: Policy, name: str, at: datetime) -> Grant:
    role = policy.roles[name]
    scope = role.scope
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    pii: Pii | None = scope.pii
    return Grant(
        roles=(name,),
        permissions=frozenset(role.permissions),
        types=frozenset(scope.types),
        flows=(tuple(sorted(scope.flows)),) if scope.flows else (),
        pii=(tuple(sorted(pii.items())),) if pii is not None else (),
        since=midnight - timedelta(days=scope.days_back) if scope.days_back else None,
        max_rows=scope.max_rows,
        min_group=scope.min_group,
        destinations=(scope.destinations,) if scope.destinations else (),
    )


def _allows(destinations: Destinations, kind: str, place: str) -> bool:
    if kind == "download":
        return destinations.download
    fold = str.lower if kind in ("email", "sftp") else str
    return any(fnmatchcase(fold(place), fold(glob)) for glob in getattr(destinations, kind, ()))


def _both(pair: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*pair, *other)))
