"""Conditional and range requests (RFC 9110, sections 13 and 14): headers of a request in, a status and a range of bytes out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.IGNORECASE)
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True)
class Representation:
    """What a URL gives: `etag` is strong and in quotes, `modified` is when it was made."""

    etag: str
    modified: datetime
    size: int


@dataclass(frozen=True)
class Answer:
    """`status` is 200, 206, 304, 412 or 416; bytes from `start` to `end`, which is exclusive."""

    status: int
    start: int = 0
    end: int = 0


def answer_to(method: str, headers: Mapping[str, str], what: Representation) -> Answer:
    """In the order of section 13.2.2. A range that is malformed, or of several parts, is ignored, as the RFC allows."""
    whole = Answer(200, 0, what.size)
    if _failed(headers, what):
        return Answer(412)
    if _not_modified(headers, what):
        return Answer(304)
    wanted = headers.get("range")
    if method != "GET" or wanted is None or not _if_range(headers.get("if-range"), what):
        return whole
    match = _RANGE.fullmatch(wanted)
    if match is None or match[1] == match[2] == "":
        return whole
    return _range(match[1], match[2], what.size) or whole


def _range(first: str, last: str, size: int) -> Answer | None:
    if not first:  # the last so many bytes
        length = min(int(last), size)
        return Answer(206, size - length, size) if length else Answer(416)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        return Answer(416)
    return Answer(206, start, min(int(last) + 1, size) if last else size)


def _failed(headers: Mapping[str, str], what: Representation) -> bool:
    if (tags := headers.get("if-match")) is not None:
        return not _matches(tags, what.etag, weakly=False)
    since = _time(headers.get("if-unmodified-since"))
    return since is not None and _seconds(what.modified) > since


def _not_modified(headers: Mapping[str, str], what: Representation) -> bool:
    if (tags := headers.get("if-none-match")) is not None:
        return _matches(tags, what.etag, weakly=True)
    since = _time(headers.get("if-modified-since"))
    return since is not None and _seconds(what.modified) <= since


def _if_range(value: str | None, what: Representation) -> bool:
    if value is None:
        return True
    if value.startswith(('"', "W/")):
        return value == what.etag
    return _time(value) == _seconds(what.modified)


def _matches(tags: str, etag: str, weakly: bool) -> bool:
    if tags.strip() == "*":
        return True
    return any(f'"{tag}"' == etag and (weakly or not weak) for weak, tag in _TAG.findall(tags))


def _time(value: str | None) -> int | None:
    """None for what is no HTTP date, which is ignored."""
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def http_date(moment: datetime) -> str:
    """`Mon, 15 Jan 2024 09:30:00 GMT`."""
    return format_datetime(moment, usegmt=True)
