"""The metrics of reports as data: measures that the database sums up, and what is made of the sums."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from export_pipelines.catalog.semantic_types import CURRENCY_SCALE, Kind

Where = tuple[tuple[str, tuple[str, ...]], ...]  # field or flag -> values, one of which it has; all must hold


class How(StrEnum):
    """What a measure does with the values of its field in the rows of a group."""

    COUNT = "count"  # rows; with a field, rows in which it has a value
    DISTINCT = "distinct"
    SUM = "sum"  # whole numbers; amounts in cents
    MAX = "max"
    VALUES = "values"  # all of them, for percentiles


@dataclass(frozen=True)
class Measure:
    """One aggregate. `flags` of FLAGS may stand in `where` like fields."""

    how: How
    field: str | None = None
    where: Where = ()


class Unit(StrEnum):
    COUNT = "count"
    MONEY = "money"
    PERCENT = "percent"
    MS = "milliseconds"


@dataclass(frozen=True)
class Metric:
    """`(plus - minus) / per`, each a sum of measures; in percent times 100; null where `per` is 0.

    Without `per` the sum itself. `percentile` reads the one measure of `plus` as a list of values.
    """

    id: str
    label: str
    unit: Unit
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    per: tuple[str, ...] = ()
    percentile: int | None = None

    @property
    def kind(self) -> Kind:
        return Kind.DECIMAL if self.scale is not None else Kind.INTEGER

    @property
    def scale(self) -> int | None:
        """Money, rates and means have two places; counts and maxima are whole."""
        whole = self.unit in (Unit.COUNT, Unit.MS) and not self.per and self.percentile is None
        return None if whole else CURRENCY_SCALE

    @property
    def type(self) -> str:
        """Semantic type of the output column."""
        if self.unit is Unit.MONEY:
            return "currency"
        return "integer" if self.scale is None else "number"

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.plus, *self.minus, *self.per)))


COUNTED = ("success", "failure", "error")  # a skip is no submission
RECEIVED, SENT = (("type", ("feedback-received",)),), (("type", ("feedback-sent",)),)
KINDS: Mapping[str, Where] = {
    "source": (("type", ("source",)),),
    "recipient": (("type", ("recipient",)),),
    "return_received": (*RECEIVED, ("event_type", ("feedback.returned",))),
    "return_sent": (*SENT, ("feedback", ("return",))),
    "conversion_received": (*RECEIVED, ("event_type", ("feedback.converted",))),
    "conversion_sent": (*SENT, ("feedback", ("conversion",))),
    "ping": (("type", ("ping",)),),
}
EVENT_TYPES: Mapping[tuple[str, str], tuple[str, ...]] = {  # by type and outcome; a skip is no submission
    ("source", "success"): ("source.accepted",),
    ("source", "failure"): ("source.rejected",),
    ("source", "error"): ("source.error",),
    ("recipient", "success"): ("recipient.delivered", "enhancement.success"),
    ("recipient", "failure"): ("recipient.failed", "enhancement.failed"),
    ("recipient", "error"): ("recipient.error", "enhancement.error"),
    ("filter", "success"): ("filter.passed",),
    ("filter", "failure"): ("filter.failed",),
    ("retry", "success"): ("retry.attempted",),
    ("feedback-received", "success"): ("feedback.converted", "feedback.returned"),
    ("feedback-sent", "success"): ("feedback.sent",),
    ("ping", "success"): ("ping.success",),
    ("ping", "failure"): ("ping.failed",),
    ("recipient", "skip"): ("step.skipped",),
}
FLAGS = ("won", "returned", "duplicate")  # what the plan finds out about a row beyond its fields
TIMES = {"ms": "Duration", "wait_ms": "Waiting", "total_ms": "Time since submission"}
PERCENTILES = (50, 95)


def _outcomes(where: Where) -> Iterator[tuple[str, Measure]]:
    yield "submitted", Measure(How.COUNT, None, (*where, ("outcome", COUNTED)))
    for outcome in COUNTED:
        yield outcome, Measure(How.COUNT, None, (*where, ("outcome", (outcome,))))


def _times() -> Iterator[tuple[str, Measure]]:
    for field in TIMES:
        yield f"{field}_count", Measure(How.COUNT, field)
        yield f"{field}_sum", Measure(How.SUM, field)
        yield f"{field}_max", Measure(How.MAX, field)
        yield f"{field}_values", Measure(How.VALUES, field)


ACCEPTED = (*KINDS["source"], ("outcome", ("success",)))
DELIVERED = (*KINDS["recipient"], ("outcome", ("success",)))
FAILED: Where = (("outcome", ("failure",)), ("duplicate", ("1",)))

OVER_EVENTS: Mapping[str, Measure] = {
    **{f"{kind}_{name}": measure for kind, where in KINDS.items() for name, measure in _outcomes(where)},
    **{f"any_{name}": measure for name, measure in _outcomes(())},
    **dict(_times()),
    "pings_won": Measure(
        How.DISTINCT, "lead_id", (*KINDS["ping"], ("outcome", ("success",)), ("won", ("1",)))
    ),
    "cost": Measure(How.SUM, "purchase_price", ACCEPTED),
    "revenue": Measure(How.SUM, "sale_price", DELIVERED),
    "returned": Measure(How.SUM, "sale_price", (*DELIVERED, ("returned", ("1",)))),
    "leads": Measure(How.DISTINCT, "lead_id"),
    "events": Measure(How.COUNT),
    "duplicates": Measure(How.COUNT, None, (*KINDS["source"], *FAILED)),
}


def event_types_of(measure: Measure) -> tuple[frozenset[str], ...]:
    """The event types of the rows that an aggregate looks at, by outcome; none for all rows."""
    where = dict(measure.where)
    kinds, outcomes = where.get("type"), where.get("outcome")
    if "event_type" in where:
        return (frozenset(where["event_type"]),)
    if kinds is None and outcomes is None:
        return ()
    by_outcome: dict[str, set[str]] = {}
    for (kind, outcome), names in EVENT_TYPES.items():
        if (kinds is None or kind in kinds) and (outcomes is None or outcome in outcomes):
            by_outcome.setdefault(outcome, set()).update(names)
    return tuple(map(frozenset, by_outcome.values()))


# A lead is what its source event told: one row, its outcome, its two prices.
OVER_LEADS: Mapping[str, Measure] = {
    **{f"{kind}_{name}": measure for kind in ("source", "any") for name, measure in _outcomes(())},
    "cost": Measure(How.SUM, "purchase_price", (("outcome", ("success",)),)),
    "revenue": Measure(How.SUM, "price", (("outcome", ("success",)),)),
    "leads": Measure(How.DISTINCT, "lead_id"),
    "duplicates": Measure(How.COUNT, None, FAILED),
}
MEASURES: Mapping[str, Mapping[str, Measure]] = {"events": OVER_EVENTS, "leads": OVER_LEADS}


def _rate(id: str, plus: str, per: str, label: str | None = None) -> Metric:
    return Metric(id, label or _words(id), Unit.PERCENT, (plus,), per=(per,))


def _money(id: str, plus: str, minus: tuple[str, ...] = (), per: tuple[str, ...] = ()) -> Metric:
    return Metric(id, _words(id), Unit.MONEY, (plus,), minus, per)


def _words(id: str) -> str:
    return id.replace("_", " ").capitalize()


def _counts() -> Iterator[Metric]:
    for id in ("leads", "events", "duplicates"):
        yield Metric(id, _words(id), Unit.COUNT, (id,))
    for kind in KINDS:
        for name in ("submitted", *COUNTED) if kind != "ping" else ("submitted", "success"):
            yield Metric(f"{kind}_{name}", _words(f"{kind}_{name}"), Unit.COUNT, (f"{kind}_{name}",))


def _speeds() -> Iterator[Metric]:
    for field, label in TIMES.items():
        yield Metric(
            f"avg_{field}", f"{label}, mean (ms)", Unit.MS, (f"{field}_sum",), per=(f"{field}_count",)
        )
        for share in PERCENTILES:
            yield Metric(
                f"p{share}_{field}",
                f"{label}, {share}th percentile (ms)",
                Unit.MS,
                (f"{field}_values",),
                percentile=share,
            )
        yield Metric(f"max_{field}", f"{label}, longest (ms)", Unit.MS, (f"{field}_max",))


METRICS: Mapping[str, Metric] = {
    count.id: count
    for count in (
        *_counts(),
        _rate("ping_success_rate", "ping_success", "ping_submitted"),
        _rate("ping_win_rate", "pings_won", "ping_success"),
        _money("cost", "cost"),
        _money("revenue", "revenue"),
        _money("profit", "revenue", ("cost",)),
        Metric("margin", "Margin", Unit.PERCENT, ("revenue",), ("cost",), ("revenue",)),
        Metric("roi", "ROI", Unit.PERCENT, ("revenue",), ("cost",), ("cost",)),
        _money("net_revenue", "revenue", ("returned",)),
        _money("avg_cost_per_lead", "cost", per=("source_success",)),
        _money("avg_revenue_per_lead", "revenue", per=("source_success",)),
        _money("cost_per_conversion", "cost", per=("conversion_received_success",)),
        _rate("acceptance_rate", "source_success", "source_submitted"),
        _rate("delivery_rate", "recipient_success", "recipient_submitted"),
        _rate("conversion_rate", "conversion_received_success", "recipient_success"),
        _rate("return_rate", "return_received_success", "recipient_success"),
        _rate("error_rate", "any_error", "any_submitted"),
        *_speeds(),
    )
}


def metrics_over(over: str) -> dict[str, Metric]:
    """The metrics that a report over `events` or over `leads` can have."""
    measures = MEASURES[over]
    return {id: metric for id, metric in METRICS.items() if all(name in measures for name in metric.measures)}
