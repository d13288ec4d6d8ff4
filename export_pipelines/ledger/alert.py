"""Something that people are to be told: noticed once, told once through each channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from export_pipelines.ledger.tables import alerts

AlertKind = Literal["failure", "late", "anomaly"]


@dataclass(frozen=True)
class Alert:
    """`text` is what and why, `then` the command or link that helps; neither holds personal data. Alerts with one `key`
    are one alert."""

    key: str
    export: str
    kind: AlertKind
    text: str
    then: str
    noticed_at: datetime
    notified: tuple[str, ...] = ()


def open_alerts(connection: sa.Connection) -> list[Alert]:
    """Those that somebody still has to be told, oldest first."""
    query = sa.select(alerts).where(alerts.c.ended_at.is_(None)).order_by(alerts.c.noticed_at, alerts.c.key)
    names = Alert.__dataclass_fields__
    return [
        Alert(**{name: row[name] for name in names if name != "notified"}, notified=tuple(row["notified"]))
        for row in connection.execute(query).mappings()
    ]


def alert_keys(connection: sa.Connection, prefix: str) -> list[str]:
    query = sa.select(alerts.c.key).where(alerts.c.key.startswith(prefix, autoescape=True))
    return list(connection.scalars(query.order_by(alerts.c.key)))


def mark_notified(
    connection: sa.Connection, key: str, channels: Sequence[str], ended_at: datetime | None
) -> None:
    connection.execute(
        sa.update(alerts).where(alerts.c.key == key).values(notified=list(channels), ended_at=ended_at)
    )
