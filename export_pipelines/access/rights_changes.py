"""What changed in access.yaml between two snapshots of it, which the audit keeps: for each principal the roles that came
and went, and what became of those that stayed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from export_pipelines.access.policy import Policy

Snapshot = Mapping[str, Any]  # {"roles": {name: {...}}, "principals": {name: {...}}}
GONE: Snapshot = {"roles": {}, "principals": {}}


def snapshot(policy: Policy) -> dict[str, Any]:
    """Roles and principals as plain data. Of places, which may be people's addresses, a digest for each kind."""
    return {
        "roles": {name: _role(role.model_dump(mode="json")) for name, role in policy.roles.items()},
        "principals": {
            name: principal.model_dump(mode="json", exclude_defaults=True)
            for name, principal in policy.principals.items()
        },
    }


def changes(before: Snapshot, after: Snapshot) -> dict[str, list[str]]:
    """Texts about each principal whose rights changed, those included that came and went."""
    names = dict.fromkeys([*_names(before), *_names(after)])
    texts_of = {name: list(_of_principal(name, before, after)) for name in names}
    return {name: texts for name, texts in texts_of.items() if texts}


def _of_principal(name: str, before: Snapshot, after: Snapshot) -> Iterator[str]:
    old, new = _roles_of(name, before), _roles_of(name, after)
    yield from (f"role {role} given" for role in new if role not in old)
    yield from (f"role {role} taken" for role in old if role not in new)
    for role in new:
        if role in old:
            yield from _of_role(role, before["roles"].get(role, {}), after["roles"].get(role, {}))
    expired, expires = (some["principals"].get(name, {}).get("expires") for some in (before, after))
    if expired != expires:
        yield f"expires: {expired or 'never'} -> {expires or 'never'}"


def _of_role(role: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield f"role {role}, {key}: {_spelled(old.get(key))} -> {_spelled(new.get(key))}"


def _role(role: dict[str, Any]) -> dict[str, Any]:
    scope = {key: value for key, value in role["scope"].items() if value is not None}
    places = scope.pop("destinations", None) or {}
    return {
        "permissions": role["permissions"],
        **scope,
        **{f"destinations.{kind}": _digest(globs) for kind, globs in places.items() if globs},
    }


def _digest(globs: Any) -> Any:
    return globs if isinstance(globs, bool) else hashlib.sha256(json.dumps(globs).encode()).hexdigest()[:16]


def _roles_of(name: str, some: Snapshot) -> list[str]:
    """Of the principal and of the teams that it is in."""
    roles, waiting, seen = dict[str, None](), [name], set[str]()
    while waiting:
        principal = waiting.pop()
        seen.add(principal)
        roles.update(dict.fromkeys(some["principals"].get(principal, {}).get("roles", ())))
        waiting += [
            team
            for team, its in some["principals"].items()
            if principal in its.get("members", ()) and team not in seen
        ]
    return list(roles)


def _names(some: Snapshot) -> Iterator[str]:
    for name, principal in some["principals"].items():
        yield name
        yield from principal.get("members", ())


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {word}" for key, word in sorted(value.items()))
    return (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else "not limited"
        if value is None
        else str(value)
    )
