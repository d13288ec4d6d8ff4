"""What a recipe loaded beside what was written: every cell is the value, or what an announced loss makes of it."""

import json
import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn
from export_pipelines.recipes import Change, Loss
from export_pipelines_tests.encode.tables import Row

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
COUNTED = (Change.NULL_IS_EMPTY, Change.NULL_IS_MARKER, Change.EMPTY_IS_NULL, Change.MARKER_IS_NULL)
CELL_UNITS = 32_767
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def require_announced(
    columns: Sequence[OutputColumn],
    rows: Sequence[Row],
    loaded: Sequence[Row],
    losses: Collection[Loss],
    marker: str,
) -> set[Change]:
    """That each cell is as written but for announced losses, and that each of these has taken place: in every column that it
    names where the manifest counts such values, else in one of them. Gives the changes."""
    assert len(loaded) == len(rows), f"{len(loaded)} rows instead of {len(rows)}"
    announced = {(loss.change, name) for loss in losses for name in loss.columns}
    seen: set[tuple[Change, str]] = set()
    for row, line in zip(rows, loaded, strict=True):
        for column, written, read in zip(columns, row, line, strict=True):
            if is_same(column.kind, written, read):
                continue
            changes = {change for change, name in announced if name == column.header}
            because = explanation(column.kind, written, read, changes, marker)
            assert because, f"{column.header}: {written!r} was read as {read!r}"
            seen |= {(change, column.header) for change in because}
    taken = {change for change, _ in seen}
    needless = {loss for loss in announced - seen if loss[0] in COUNTED or loss[0] not in taken}
    assert not needless, f"announced, and yet nothing was lost: {sorted(needless)}"
    return taken


def is_same(kind: Kind, written: Any, read: Any) -> bool:
    """Whether it is the value, in a type that keeps it."""
    if written is None or read is None:
        return written is read
    match kind:
        case Kind.TEXT:
            return bool(read == written)
        case Kind.INTEGER:
            return isinstance(read, int) and not isinstance(read, bool) and read == written
        case Kind.DECIMAL | Kind.NUMBER:
            return isinstance(read, Decimal | str) and Decimal(read) == Decimal(written)
        case Kind.BOOLEAN:
            return bool(read in (True, False) and bool(read) == written)
        case Kind.DATE:
            return bool((date.fromisoformat(read) if isinstance(read, str) else read) == written)
        case Kind.TIMESTAMP:
            return bool(moment(read) == written)
        case _:
            return is_same_json(read, written)


def is_same_json(read: Any, written: str) -> bool:
    try:
        return bool(exact(read) == exact(written))
    except ValueError:
        return False


def moment(read: Any) -> datetime:
    at: datetime = datetime.fromisoformat(read) if isinstance(read, str) else read
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def exact(text: Any) -> Any:
    return json.loads(text, parse_float=Decimal) if isinstance(text, str) else text


def explanation(kind: Kind, written: Any, read: Any, changes: set[Change], marker: str) -> set[Change]:
    """The announced changes that make `read` of `written`."""
    if kind is Kind.TEXT and Change.BLANKS in changes and not (read or str(written).strip(" \t")) and written:
        return {Change.BLANKS}
    nulls = {Change.EMPTY_IS_NULL: "", Change.MARKER_IS_NULL: marker, Change.WORD_IS_NULL: "NULL"}
    if read is None:
        return {change for change, text in nulls.items() if change in changes and written == text}
    if written is None:
        becomes = {marker: Change.NULL_IS_MARKER, "": Change.NULL_IS_EMPTY}
        return {becomes[read]} & changes if read in becomes else set()
    if kind is Kind.TEXT:
        return changed_text(written, read, changes)
    if kind is Kind.JSON and Change.JSON_TEXTS in changes and read == json.loads(written):
        return {Change.JSON_TEXTS}
    if kind is Kind.JSON and Change.ROUNDED_IN_JSON in changes and json.loads(read) == json.loads(written):
        return {Change.ROUNDED_IN_JSON}
    if Change.ROUNDED in changes and float(read) == float(written):
        return {Change.ROUNDED}
    return set()


def changed_text(written: str, read: str, changes: set[Change]) -> set[Change]:
    text, because = written, set()
    if Change.PREFIXED in changes and FORMULA.match(text):
        text, because = f"'{text}", {Change.PREFIXED}
    if Change.CONTROL in changes and CONTROL.search(text):
        text, because = CONTROL.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text), because | {Change.CONTROL}
    if Change.LINE_BREAKS in changes and "\r" in text:
        text, because = re.sub(r"\n\r|\r\n?", "\n", text), because | {Change.LINE_BREAKS}
    if Change.CUT in changes and text != read:
        text, because = cut(text), because | {Change.CUT}
    return because if text == read else set()


def cut(text: str) -> str:
    """To the units of UTF-16 that a cell holds."""
    return text.encode("utf-16-le")[: 2 * CELL_UNITS].decode("utf-16-le", "ignore")
