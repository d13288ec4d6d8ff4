"""What is wrong in access.yaml beyond the shape of its keys: names that nothing has, circles, roles that grant nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from export_pipelines.access.policy import TEAM
from export_pipelines.access.treatment import is_glob, known_keys
from export_pipelines.catalog import Catalog, Component, Field
from export_pipelines.errors import CatalogError, unknown
from export_pipelines.yaml.lines import Key

Faults = Iterator[tuple[Key, str]]


def policy_faults(data: Any, catalog: Catalog) -> Faults:
    """Every such fault of the file's plain data, with its key; what has the wrong shape is passed over."""
    roles, principals = _mapping(data, "roles"), _mapping(data, "principals")
    for name, role in roles.items():
        yield from _role_faults(name, role, catalog)
    for name, principal in principals.items():
        yield from _principal_faults(name, principal, roles, principals)
    yield from _circles(principals)


def _role_faults(name: str, role: Any, catalog: Catalog) -> Faults:
    pii = _mapping(_mapping(role, "scope"), "pii")
    known = known_keys(catalog.datasets)
    for key, word in pii.items():
        place: Key = ("roles", name, "scope", "pii", key)
        at = ".".join(map(str, place))
        fields = _matched(key, catalog)
        if not fields and (is_glob(key) or key not in known):
            yield place, f"{at}: {unknown('field, type or class', key, known, 'export-pipelines fields')}"
        elif (
            fields
            and all(isinstance(field, Component) for field in fields)
            and word not in ("keep", "remove")
        ):
            yield place, f'{at}: "{key}" names parts of values; allowed: keep, remove'
        elif word == "redact" and fields and not any(_redactable(field) for field in fields):
            yield (
                place,
                f"{at}: a closed type has no text to redact; allowed: keep, mask, tokenize, hash, remove",
            )
        elif word != "remove" and any(_never(field) for field in fields) and not is_glob(key):
            yield place, f'{at}: "{key}" is never exported; allowed: remove'


def _matched(key: str, catalog: Catalog) -> list[Field | Component]:
    """The fields and parts, of any dataset, that a key names; of a type or a class none."""
    fields: list[Field | Component] = []
    for dataset in catalog.datasets:
        try:
            fields += dataset.match(key)
        except CatalogError:
            whole = dataset.get(key.removesuffix(".*")) if key.endswith(".*") else None
            fields += [whole] if whole else []
    return fields


def _redactable(field: Field | Component) -> bool:
    return isinstance(field, Field) and field.semantic_type.open


def _never(field: Field | Component) -> bool:
    return not (field if isinstance(field, Field) else field.field).semantic_type.exportable


def _principal_faults(
    name: str, principal: Any, roles: Mapping[str, Any], principals: Mapping[str, Any]
) -> Faults:
    at = f"principals.{name}"
    named, members = _texts(principal, "roles"), _texts(principal, "members")
    for place, role in enumerate(named):
        if role not in roles:
            yield ("principals", name, "roles", place), f"{at}.roles: {unknown('role', role, roles)}"
    if members and not name.startswith(TEAM):
        yield (
            ("principals", name, "members"),
            f'{at}.members: only a team has members; call it "{TEAM}{name}"',
        )
    for place, member in enumerate(members):
        if member.startswith(TEAM) and member not in principals:
            teams = [text for text in principals if text.startswith(TEAM)]
            key: Key = ("principals", name, "members", place)
            yield key, f"{at}.members: {unknown('principal', member, teams)}"
    in_team = any(name in _texts(item, "members") for item in principals.values())
    if isinstance(principal, dict) and not named and not in_team:
        yield (
            ("principals", name),
            f"{at}: no role grants it anything; give it `roles`, or make it a team's member",
        )


def _circles(principals: Mapping[str, Any]) -> Faults:
    for name in principals:
        path = _way_back(name, principals)
        if path:
            way = " -> ".join(path)
            yield ("principals", name, "members"), f"principals.{name}.members: circular teams: {way}"


def _way_back(start: str, principals: Mapping[str, Any]) -> list[str]:
    """Members from `start` on that lead back to it; empty where none do."""
    paths, seen = [[start]], set[str]()
    while paths:
        path = paths.pop()
        for member in _texts(principals.get(path[-1]), "members"):
            if member == start:
                return [*path, start]
            if member not in seen:
                seen.add(member)
                paths.append([*path, member])
    return []


def _mapping(data: Any, key: str) -> Mapping[str, Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _texts(data: Any, key: str) -> list[str]:
    value = data.get(key) if isinstance(data, dict) else None
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
