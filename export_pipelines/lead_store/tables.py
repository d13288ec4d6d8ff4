"""The lead store as SQLAlchemy tables: flows, sources, recipients, leads, events.
On SQLite every value is exact text or an integer; on PostgreSQL and MariaDB it is the real type."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import simplejson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import TypeEngine

from export_pipelines.catalog.semantic_types import CURRENCY_SCALE

CENT = Decimal(1).scaleb(-CURRENCY_SCALE)
OUTCOMES = ("success", "failure", "error")
EMPTY_OBJECT = "{}"
MARIADB: Mapping[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
}


def iso_text(moment: datetime) -> str:
    """`2024-01-15T10:30:45.123Z`, the way SQLite holds a moment. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money_text(amount: Decimal) -> str:
    """`25.00`. Raises ValueError where cents cannot hold the amount."""
    cents = amount.quantize(CENT)
    if cents != amount:
        raise ValueError("an amount with more than two places")
    return f"{cents:f}"


def json_text(value: Any) -> str:
    """Compact JSON, characters as they are."""
    return simplejson.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, use_decimal=True
    )


def json_value(text: str | bytes) -> Any:
    """What `json_text` wrote, numbers with fractions as exact decimals."""
    return simplejson.loads(text, use_decimal=True)


class _Spelled(TypeDecorator[Any]):
    """A type that the databases in `spelled` hold as text of one exact spelling, and the others as their own type;
    `types` holds the column types of those for which neither `impl` nor `native` will do."""

    cache_ok = True
    impl: type[TypeEngine[Any]] = Text
    native: TypeEngine[Any]
    spelled: tuple[str, ...] = ("sqlite",)
    types: Mapping[str, TypeEngine[Any]] = {}

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        usual = self.impl_instance if dialect.name in self.spelled else self.native
        return dialect.type_descriptor(self.types.get(dialect.name, usual))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name not in self.spelled else self.spell(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name not in self.spelled else self.read(value)

    def spell(self, value: Any) -> Any:
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        raise NotImplementedError


class Timestamp(_Spelled):
    """An aware datetime in UTC with milliseconds; ISO text on SQLite, without its zone on MariaDB."""

    cache_ok = True
    native = DateTime(timezone=True)
    types = {"mysql": mysql.DATETIME(fsp=3)}  # noqa: RUF012

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "mysql":
            return super().process_bind_param(value, dialect)
        return datetime.fromisoformat(iso_text(value)).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name != "mysql":
            return super().process_result_value(value, dialect)
        return value.replace(tzinfo=UTC)

    def spell(self, value: datetime) -> str:
        return iso_text(value)

    def read(self, value: str) -> datetime:
        return datetime.fromisoformat(value)


class Money(_Spelled):
    """An exact Decimal with two places."""

    cache_ok = True
    native = Numeric(14, CURRENCY_SCALE)

    def spell(self, value: Decimal) -> str:
        return money_text(value)

    def read(self, value: str) -> Decimal:
        return Decimal(value)


class Day(_Spelled):
    """A date; `YYYY-MM-DD` on SQLite."""

    cache_ok = True
    native = Date()

    def spell(self, value: date) -> str:
        return value.isoformat()

    def read(self, value: str) -> date:
        return date.fromisoformat(value)


class Flag(_Spelled):
    """A boolean; 0 or 1 on SQLite."""

    cache_ok = True
    impl = Integer
    native = Boolean()

    def spell(self, value: bool) -> int:
        return int(value)

    def read(self, value: int) -> bool:
        return bool(value)


class JsonObject(_Spelled):
    """A mapping; compact JSON text, on PostgreSQL and MariaDB too."""

    cache_ok = True
    native = JSON(none_as_null=True)  # not JSONB, which puts keys into an order of its own
    spelled = ("sqlite", "mysql")
    types = {"mysql": mysql.LONGTEXT()}  # noqa: RUF012  # what MariaDB's own JSON is

    def spell(self, value: dict[str, Any]) -> str:
        return json_text(value)

    def read(self, value: str) -> Any:
        return json_value(value)


ObjectId = String(24)

metadata = MetaData()


def _named(table: str) -> Table:
    return Table(
        table,
        metadata,
        Column("id", ObjectId, primary_key=True),
        Column("name", Text, nullable=False),
        **MARIADB,
    )


flows, sources, recipients = _named("flows"), _named("sources"), _named("recipients")


def _parties() -> list[Column[Any]]:
    return [
        Column("flow_id", ObjectId, ForeignKey("flows.id")),
        Column("source_id", ObjectId, ForeignKey("sources.id")),
        Column("recipient_id", ObjectId, ForeignKey("recipients.id")),
    ]


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text) for name in names]


leads = Table(
    "leads",
    metadata,
    Column("lead_id", ObjectId, primary_key=True),
    Column("reference", Text),
    Column("submitted_at", Timestamp, nullable=False),
    *_parties(),
    *_texts(
        "campaign_id", "affiliate_id", "landing_page", "user_agent", "ip_address", "trustedform_cert_url"
    ),
    Column("tcpa_consent", Flag),
    *_texts("first_name", "last_name", "title", "email", "email_2", "phone_1", "phone_2", "phone_3"),
    Column("dob", Day),
    *_texts("gender", "ssn", "address_1", "address_2", "city", "state", "postal_code", "country", "comments"),
    Column("outcome", Text),
    Column("reason", Text),
    Column("delivered_at", Timestamp),
    Column("price", Money),
    Column("purchase_price", Money),
    Column("custom", JsonObject),
    Column("appended", JsonObject),
    **MARIADB,
)

events = Table(
    "events",
    metadata,
    Column("event_id", ObjectId, primary_key=True),
    Column("lead_id", ObjectId, ForeignKey("leads.lead_id"), nullable=False),
    *_texts("event_type", "type", "outcome", "reason"),
    Column("occurred_at", Timestamp, nullable=False),
    Column("start_timestamp", BigInteger),
    Column("end_timestamp", BigInteger),
    *(Column(name, Integer) for name in ("ms", "wait_ms", "overhead_ms", "lag_ms", "total_ms")),
    Column("step_id", ObjectId),
    *_parties(),
    Column("purchase_price", Money),
    Column("sale_price", Money),
    Column("recipient_revenue", Money),
    Column("cap_reached", Flag),
    *_texts("host", "module_id", "handler_version", "version"),
    Column("expires_at", Timestamp),
    Column("lead", JsonObject),
    Column("appended", JsonObject),
    **MARIADB,
)

# A window is a range of submitted_at, and exports come out in this order.
leads_by_time = Index("leads_by_time", leads.c.submitted_at, leads.c.lead_id)
events_by_time = Index("events_by_time", events.c.occurred_at, events.c.event_id)
PARTIES = {"flow": flows, "source": sources, "recipient": recipients}
