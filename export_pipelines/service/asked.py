"""What the body of a request asks for: an export of `exports/`, or an ad-hoc one, and a window of time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from export_pipelines.definition import ExportDefinition, ad_hoc_definition
from export_pipelines.definition.overrides import require_leads
from export_pipelines.errors import ExportError, WindowError
from export_pipelines.plan.plan import Window
from export_pipelines.plan.window import (
    WHOLE_KEY,
    require_complete,
    require_quiet,
    scheduled_window,
    window_between,
    window_of,
)
from export_pipelines.project import Project
from export_pipelines.service.auth import Caller
from export_pipelines.service.problems import Key, Problem, problem_of

NAMED_KEYS = ("export", "partition", "start", "end", "filter", "any_hour")
ONCE = ("schedule", "partition", "renamed_from", "quiet_hours")  # keys that say when, or what was before
DATE_FORMATS = ("iso", "iso8601", "ISO 8601", "standard")  # the last as LeadConduit says it
DEEPEST = 40


@dataclass(frozen=True)
class Asked:
    """`written` is what an ad-hoc export says, None for one of `exports/`; `moved` is where its keys stand in the body."""

    definition: ExportDefinition
    window: Window
    written: Mapping[str, Any] | None = None
    partition: str | None = None
    any_hour: bool = False
    moved: Mapping[Key, Key] = field(default_factory=dict)


def asked_for(project: Project, caller: Caller, body: Any, name: str, keep_days: int) -> Asked:
    """What the body asks for, checked as a file is; `name` is that of an ad-hoc export. Raises Problem."""
    if not isinstance(body, dict):
        raise Problem.at("an object is expected")
    _require_flat(body)
    if "export" in body:
        return _named(project, body)
    return _ad_hoc(project, caller, body, name, keep_days)


def digest(body: Any) -> str:
    """SHA-256 of the body, whatever the order of its keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _named(project: Project, body: dict[str, Any]) -> Asked:
    for key in body:
        if key not in NAMED_KEYS:
            raise Problem.at(
                f"{key}: it stands in the export's file; allowed beside `export`: {', '.join(NAMED_KEYS[1:])}",
                key,
            )
    overrides = body.get("filter")
    if overrides is not None and not isinstance(overrides, dict):
        raise Problem.at("filter: a mapping is expected", "filter")
    any_hour = _flag(body, "any_hour")
    try:
        definition = project.definition(
            _text(body, "export") or "", {"filter": overrides} if overrides else None
        )
        require_leads(definition)
        if not any_hour:
            require_quiet(definition, project.now(), "wait, or say any_hour: true")
    except ExportError as error:
        raise problem_of(error) from None
    window, partition = _window(project, definition, body)
    return Asked(definition, window, partition=partition, any_hour=any_hour)


def _window(
    project: Project, definition: ExportDefinition, body: dict[str, Any]
) -> tuple[Window, str | None]:
    """The window, and its key where it is a partition of the export."""
    now, key = project.now(), _text(body, "partition")
    if key is not None and ("start" in body or "end" in body):
        raise Problem.at("partition: it is the window already; leave start and end out", "partition")
    if "start" in body or "end" in body:
        return _between(body, now), None
    try:
        window = window_of(definition, key) if key is not None else scheduled_window(definition, now)
        require_complete(window, now)
    except WindowError as error:
        raise Problem.at(str(error), *(["partition"] if key is not None else []), code=error.code) from None
    is_partition = definition.partition is not None and window.key != WHOLE_KEY
    return window, window.key if is_partition else None


def _between(body: dict[str, Any], now: datetime) -> Window:
    """From `start` to `end`, which is over."""
    moments = {}
    for key in ("start", "end"):
        text = _text(body, key)
        if text is None:
            raise Problem.at(f"{key}: it is missing; write 2024-01-15 or 2024-01-15T09:30:00Z", key)
        moments[key] = text
    try:
        window_between(moments["start"], "9999-12-31")
    except WindowError as error:
        raise Problem.at(str(error), "start", code=error.code) from None
    try:
        window = window_between(moments["start"], moments["end"])
        require_complete(window, now)
    except WindowError as error:
        raise Problem.at(str(error), "end", code=error.code) from None
    return window


def _ad_hoc(project: Project, caller: Caller, body: dict[str, Any], name: str, keep_days: int) -> Asked:
    written, moved = _as_file(body)
    for key in ONCE:
        if key in written:
            raise Problem.at(f"{key}: an export that is asked for runs once; write a file for the rest", key)
    owner = written.get("owner")
    if caller.asker is not None and owner not in (None, caller.asker):
        raise Problem.at("owner: an export that you ask for is yours; leave it out", "owner")
    if caller.asker is not None:
        written["owner"] = caller.asker
    written.setdefault("retention", f"{keep_days} days")
    try:
        definition = ad_hoc_definition(name, written, project.catalog)
        require_leads(definition)
    except ExportError as error:
        raise problem_of(error, moved) from None
    return Asked(definition, _ad_hoc_window(project, definition, body), written, moved=moved)


def _ad_hoc_window(project: Project, definition: ExportDefinition, body: dict[str, Any]) -> Window:
    if definition.filter.last and "start" not in body and "end" not in body:
        return scheduled_window(definition, project.now())
    return _between(body, project.now())


def _as_file(body: dict[str, Any]) -> tuple[dict[str, Any], dict[Key, Key]]:
    """The keys of a file, and where they stand in the body, for those that LeadConduit calls otherwise."""
    written = {key: value for key, value in body.items() if key not in ("start", "end")}
    written.setdefault("format", "csv")
    moved: dict[Key, Key] = {}
    rules, addresses = written.pop("filter_rules", None), written.pop("email_to", None)
    style = written.pop("date_format", None)
    if style is not None and style not in DATE_FORMATS:
        text = f"date_format: times are written in ISO 8601, in UTC; allowed: {', '.join(DATE_FORMATS)}"
        raise Problem.at(text, "date_format")
    if rules:
        chosen = written.get("filter", {})
        if not isinstance(chosen, dict) or "rules" in chosen:
            raise Problem.at("filter_rules: the rules stand in `filter` already", "filter_rules")
        written["filter"], moved["filter", "rules"] = {**chosen, "rules": rules}, ("filter_rules",)
    if addresses:
        places = written.get("deliver", [])
        if not isinstance(places, list):
            raise Problem.at("deliver: a list is expected", "deliver")
        written["deliver"] = [*places, {"email": {"to": addresses}}]
        moved["deliver", len(places)] = ("email_to",)
        moved["deliver", len(places), "email"] = ("email_to",)
        moved["deliver", len(places), "email", "to"] = ("email_to",)
    return written, moved


def _text(body: dict[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise Problem.at(f"{key}: text is expected", key)
    return value


def _flag(body: dict[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise Problem.at(f"{key}: true or false is expected", key)
    return value


def _require_flat(body: Any) -> None:
    """Raises Problem for what is nested deeper than a file may be, and for half a character, which nothing stores."""
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        for value in level:
            texts = [*value, *value.values()] if isinstance(value, dict) else [value]
            if any(
                isinstance(text, str) and any("\ud800" <= sign <= "\udfff" for sign in text) for text in texts
            ):
                raise Problem.at("a text holds half a character (a lone surrogate), which nothing stores")
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise Problem.at(f"nested too deep: at most {DEEPEST} lists and mappings in one another")
