"""The cursor: how far a stream has come. `ledger/streams.py` keeps it, and `sender.py` moves it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from export_pipelines.errors import RequestError
from export_pipelines.plan.plan import iso
from export_pipelines.streaming.horizon import Position, RowKey, Span

FORMAT = 1  # of the stored form


@dataclass(frozen=True)
class Cursor:
    """`position` is that of the horizon `mechanism` over `table`. With a `span`, its rows are being sent: those up to `after` are
    at the sink. `emitted_at` is the time at which the last span was found; it never goes back, whatever the clock does."""

    mechanism: str
    table: str
    position: Position
    span: Span | None = None
    after: RowKey | None = None
    emitted_at: datetime | None = None

    def within(self, span: Span, emitted_at: datetime) -> Self:
        """At the beginning of a span."""
        latest = emitted_at if self.emitted_at is None else max(emitted_at, self.emitted_at)
        return replace(self, span=span, after=None, emitted_at=latest)

    def behind(self, key: RowKey) -> Self:
        """After a row of the span."""
        return replace(self, after=key)

    def done(self) -> Self:
        """After the last row of the span."""
        assert self.span is not None
        return replace(self, position=self.span.end, span=None, after=None)

    def stored(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "mechanism": self.mechanism,
            "table": self.table,
            "position": dict(self.position),
            "span": {
                "content": dict(self.span.content),
                "end": dict(self.span.end),
                "more": self.span.more,
            }
            if self.span
            else None,
            "after": list(self.after) if self.after is not None else None,
            "emitted_at": iso(self.emitted_at) if self.emitted_at else None,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any], export: str) -> Self:
        """Raises RequestError for a cursor of a newer build."""
        if stored.get("format") != FORMAT:
            raise RequestError(
                f"the stream's cursor has the format {stored.get('format')}, and this build knows {FORMAT}",
                where=export,
                remedy="run the stream with the newer build that wrote it",
            )
        span, after, emitted_at = stored["span"], stored["after"], stored["emitted_at"]
        return cls(
            mechanism=stored["mechanism"],
            table=stored["table"],
            position=stored["position"],
            span=Span(**span) if span else None,
            after=tuple(after) if after is not None else None,
            emitted_at=datetime.fromisoformat(emitted_at).astimezone(UTC) if emitted_at else None,
        )

    def require_same(self, mechanism: str, table: str, export: str) -> None:
        """Raises RequestError where the stream now reads another table, or finds new rows in another way."""
        if (self.mechanism, self.table) != (mechanism, table):
            raise RequestError(
                f"the stream has come so far in {self.table} by {self.mechanism}, and would go on in {table} by {mechanism}",
                where=export,
                remedy=f"put the catalog or the source back, or begin anew: export-pipelines stream restart {export} --from TIME",
            )
