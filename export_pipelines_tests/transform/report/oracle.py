"""The numbers of a report said a second time, in pandas and exact fractions, straight from the store's tables."""

import json
import re
import sqlite3
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame as Frame

from export_pipelines.transform.components import component_of

Number = Fraction | int | None

EVENTS = """\
SELECT e.*, f.name AS flow_name, s.name AS source_name, r.name AS recipient_name FROM events e
LEFT JOIN flows f ON f.id = e.flow_id LEFT JOIN sources s ON s.id = e.source_id
LEFT JOIN recipients r ON r.id = e.recipient_id
"""
LEADS = EVENTS.replace("FROM events e", "FROM leads e")


def events_of(url: str) -> Frame:
    """Every event, with the lead's own values, and what the whole history tells of it."""
    frame = _read(url, EVENTS)
    snapshot = frame["lead"].map(json.loads)
    for name in (
        "submitted_at",
        "email",
        "phone_1",
        "state",
        "postal_code",
        "campaign_id",
        "affiliate_id",
        "country",
        "dob",
    ):
        frame[name] = mapped(snapshot, lambda lead, name=name: lead.get(name))  # type: ignore[misc]
    frame["custom"] = snapshot.map(lambda lead: lead.get("custom") or {})
    frame["feedback"] = mapped(
        frame["appended"], lambda text: ((json.loads(text or "{}") or {}).get("feedback") or {}).get("type")
    )
    won = set(frame[(frame.type == "source") & (frame.outcome == "success")].lead_id)
    back = frame[
        (frame.event_type == "feedback.returned")
        & (frame.type == "feedback-received")
        & (frame.outcome == "success")
    ]
    pairs = set(zip(back.lead_id, back.recipient_id, strict=True))
    frame["won"] = frame.lead_id.isin(won)
    frame["returned"] = [pair in pairs for pair in zip(frame.lead_id, frame.recipient_id, strict=True)]
    return frame


def leads_of(url: str) -> Frame:
    """Every lead as if it were its own source event."""
    frame = _read(url, LEADS)
    frame["custom"] = frame["custom"].map(lambda text: json.loads(text or "{}") or {})
    frame["appended"] = frame["appended"].map(lambda text: json.loads(text or "{}") or {})
    frame["type"], frame["sale_price"], frame["occurred_at"] = "source", frame["price"], frame["submitted_at"]
    return frame


def mapped(values: pd.Series, read: Callable[[Any], Any]) -> pd.Series:
    """Each value read; None stays None, which pandas would make NaN."""
    return pd.Series([read(value) for value in values], index=values.index, dtype=object)


def _read(url: str, sql: str) -> Frame:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        frame = pd.read_sql_query(sql, connection).astype(object)
    return frame.where(frame.notna(), None)


# --- metrics -------------------------------------------------------------------------------------------------------

FEEDBACK = {
    "return_received": ("feedback-received", "event_type", "feedback.returned"),
    "conversion_received": ("feedback-received", "event_type", "feedback.converted"),
    "return_sent": ("feedback-sent", "feedback", "return"),
    "conversion_sent": ("feedback-sent", "feedback", "conversion"),
}


MEASURED = {
    *("lead_id", "event_id", "type", "event_type", "outcome", "reason", "feedback", "won", "returned"),
    *("purchase_price", "sale_price", "ms", "wait_ms", "total_ms"),
}


def measured(rows: Frame) -> Frame:
    """What metrics read of the rows; groups are chosen of it in a fraction of the time."""
    return rows[[name for name in rows if name in MEASURED]].copy()


def rows_of_kind(rows: Frame, kind: str, outcome: str) -> Frame:
    outcomes = ["success", "failure", "error"] if outcome == "submitted" else [outcome]
    chosen = rows[rows.outcome.isin(outcomes)]
    if kind not in FEEDBACK:
        return chosen[chosen.type == kind]
    type, column, word = FEEDBACK[kind]
    return chosen[(chosen.type == type) & (chosen[column] == word)]


def total(values: Any) -> Fraction:
    return sum((Fraction(value) for value in values if value is not None), Fraction(0))


def cost(rows: Frame) -> Fraction:
    return total(rows_of_kind(rows, "source", "success").purchase_price)


def revenue(rows: Frame) -> Fraction:
    buyers = "recipient" if "event_id" in rows else "source"
    return total(rows_of_kind(rows, buyers, "success").sale_price)


def over(top: Number, bottom: Number) -> Number:
    return None if not bottom or top is None else Fraction(top) / bottom


def percent(top: Number, bottom: Number) -> Number:
    share = over(top, bottom)
    return None if share is None else 100 * share


def count(rows: Frame, name: str) -> int:
    kind, _, outcome = name.rpartition("_")
    return len(rows_of_kind(rows, kind, outcome))


def timed(rows: Frame, name: str) -> Number:
    how, _, field = name.partition("_")
    values = [int(value) for value in rows[field] if value is not None]
    if not values:
        return None
    if how == "avg":
        return Fraction(sum(values), len(values))
    if how == "max":
        return max(values)
    return Fraction(str(round(float(np.percentile(values, int(how[1:]))), 6)))


def net_revenue(rows: Frame) -> Fraction:
    sold = rows_of_kind(rows, "recipient", "success")
    return revenue(rows) - total(sold[sold.returned.astype(bool)].sale_price)


def ping_win_rate(rows: Frame) -> Number:
    pings = rows_of_kind(rows, "ping", "success")
    return percent(pings[pings.won.astype(bool)].lead_id.nunique(), len(pings))


def errors(rows: Frame) -> Number:
    return percent(
        (rows.outcome == "error").sum().item(),
        rows.outcome.isin(["success", "failure", "error"]).sum().item(),
    )


def duplicates(rows: Frame) -> int:
    failed = rows_of_kind(rows, "source", "failure")
    return sum("duplicate" in (reason or "").lower() for reason in failed.reason)


RATES = {
    "ping_success_rate": ("ping_success", "ping_submitted"),
    "acceptance_rate": ("source_success", "source_submitted"),
    "delivery_rate": ("recipient_success", "recipient_submitted"),
    "conversion_rate": ("conversion_received_success", "recipient_success"),
    "return_rate": ("return_received_success", "recipient_success"),
}
OTHERS: dict[str, Callable[[Frame], Number]] = {
    "leads": lambda rows: rows.lead_id.nunique(),
    "events": len,
    "duplicates": duplicates,
    "cost": cost,
    "revenue": revenue,
    "profit": lambda rows: revenue(rows) - cost(rows),
    "margin": lambda rows: percent(revenue(rows) - cost(rows), revenue(rows)),
    "roi": lambda rows: percent(revenue(rows) - cost(rows), cost(rows)),
    "net_revenue": net_revenue,
    "avg_cost_per_lead": lambda rows: over(cost(rows), count(rows, "source_success")),
    "avg_revenue_per_lead": lambda rows: over(revenue(rows), count(rows, "source_success")),
    "cost_per_conversion": lambda rows: over(cost(rows), count(rows, "conversion_received_success")),
    "ping_win_rate": ping_win_rate,
    "error_rate": errors,
}


def metric(rows: Frame, name: str, places: bool) -> Decimal | int | None:
    """The metric of these rows; with `places` to two of them, half away from zero."""
    if name in OTHERS:
        value = OTHERS[name](rows)
    elif name in RATES:
        top, bottom = RATES[name]
        value = percent(count(rows, top), count(rows, bottom))
    else:
        value = timed(rows, name) if name.endswith("ms") else count(rows, name)
    if value is None or not places:
        return None if value is None else int(value)
    exact = Fraction(value)
    cents = Decimal(abs(exact.numerator) * 200 + exact.denominator) // Decimal(2 * exact.denominator)
    return (cents.copy_sign(1 if exact >= 0 else -1) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


# --- dimensions ----------------------------------------------------------------------------------------------------


def area(phone: str) -> str | None:
    digits = re.sub(r"\D", "", re.sub(r"(?i)\s*(x|ext\.?)\s*\d+$", "", phone))
    digits = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return digits[:3] if len(digits) == 10 else None


def domain(email: str) -> str | None:
    """Of one address only, and nothing of a text that holds several."""
    match = re.fullmatch(r"[!-?A-~]+@((?:[\w-]+\.)+[^\W\d_]{2,})", email.strip().lower())
    return match[1] if match else None


def zip_code(text: str) -> str | None:
    match = re.fullmatch(r"(\d{5})(-?\d{4})?", text.strip())
    return match[1] if match else None


BY_HAND = {"phone.area": area, "email.domain": domain, "postal_code.zip": zip_code}
TIMES = {
    "hour": lambda at: at.dt.floor("h"),
    "day": lambda at: at.dt.date,
    "week": lambda at: (at - pd.to_timedelta(at.dt.weekday, unit="D")).dt.date,
    "month": lambda at: at.dt.date.map(lambda day: day.replace(day=1)),
    "weekday": lambda at: at.dt.weekday + 1,
}
PARTIES = ("flow", "source", "recipient")


def dimension(rows: Frame, id: str, time: str = "occurred_at") -> pd.Series:
    """The value of dimension `id` in every row."""
    if id in TIMES:
        return TIMES[id](pd.to_datetime(rows[time], utc=True))
    if id.split(".")[0] in PARTIES:
        return rows[id.replace(".", "_")]
    name, _, below = id.partition(".")
    if name in ("custom", "appended"):
        return mapped(rows[name], lambda value: _inside(value, below.split(".")))
    if below:
        type = re.sub(r"_\d$", "", {"landing_page": "url", "ip_address": "ip"}.get(name, name))
        return mapped(rows[name], lambda value: _part(type, below, value))
    return rows[name]


def _inside(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _part(type: str, name: str, value: str | None) -> Any:
    by_hand = BY_HAND.get(f"{type}.{name}")
    if value is None:
        return None
    return by_hand(value) if by_hand else component_of(type, name, value)
