"""The ledger's tables. Migrations make them; a test holds the two against each other."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Utc(sa.TypeDecorator[datetime]):
    """An aware time, in UTC; SQLite keeps no zone, so it is given back here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

requests = sa.Table(  # one row for each run of an export: who asked for what
    "requests",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("export", sa.Text, nullable=False, index=True),
    sa.Column("origin", sa.Text, nullable=False),  # schedule, backfill, terminal or ui
    sa.Column("asked_by", sa.Text),
    sa.Column("windows", sa.JSON, nullable=False),  # their keys
    sa.Column("asked_at", Utc, nullable=False),
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("artifact", sa.Text, primary_key=True),
    sa.Column("export", sa.Text, nullable=False),
    sa.Column("window_key", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False),  # SHA-256 over names and digests of the parts
    sa.Column("window_end", Utc),
    sa.Column("fingerprint", sa.Text),  # of the content, as in the manifest
    sa.Column("overridden", sa.Boolean),  # a filter was given at launch: other rows than those of the window
    sa.Column("erased_at", Utc),
    sa.Column("series", sa.Text),  # of artifacts that may hold what has changed since one before
    sa.Column("base", sa.Text),  # the artifact since which
    sa.Column("serial", sa.BigInteger),  # in its series: a clock may be set back
    sa.Index("artifacts_by_window", "export", "window_key"),
)

deliveries = sa.Table(  # artifact x destination
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("artifact", sa.Text, sa.ForeignKey("artifacts.artifact"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # its place under `deliver:`, from 1
    sa.Column("lock_key", sa.Text, nullable=False),  # export x window x destination: one at a time
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entry", sa.JSON, nullable=False),  # as in the plan; secrets by name only
    sa.Column("target", sa.Text, nullable=False, default=""),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("run_id", sa.Text),  # the run that has it in hand
    sa.Column("registered_at", Utc, nullable=False),
    sa.Column("first_at", Utc),  # since when it is tried; a person's `--again` begins anew
    sa.Column("ended_at", Utc),  # of the last attempt
    sa.Column("next_at", Utc),
    sa.Column("error", sa.Text),
    sa.Column("receipt", sa.JSON(none_as_null=True)),
    sa.UniqueConstraint("artifact", "lock_key"),
    sa.Index("deliveries_by_lane", "lock_key"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("delivery", sa.Text, sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("outcome", sa.Text),  # the state it ended in, or `killed`
    sa.Column("error", sa.Text),
    sa.Column("serial", sa.BigInteger),  # among those of its lock key
)

journal = sa.Table(  # what an attempt said of its things on the way
    "journal",
    metadata,
    sa.Column("delivery", sa.Text, sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("proof", sa.Text, nullable=False, default=""),
)

placed = sa.Table(  # every file that deliveries put where others put files too, said before it shows
    "placed",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),  # as receipts name it: their `target`
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("export", sa.Text, primary_key=True),
)

alerts = sa.Table(  # what people are to be told, each thing once
    "alerts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("export", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # failure, late or anomaly
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("then", sa.Text, nullable=False),  # the command or link that helps
    sa.Column("noticed_at", Utc, nullable=False),
    sa.Column("told", sa.JSON, key="notified", nullable=False),  # channels that have it
    sa.Column("ended_at", Utc, index=True),  # every channel has it, or nobody wants it
)

data_keys = sa.Table(  # of sealed artifacts, and that of the lead indexes, wrapped; nowhere else
    "data_keys",
    metadata,
    sa.Column("artifact", sa.Text, primary_key=True),
    sa.Column("master", sa.Text, nullable=False),  # id of the master key that opens it
    sa.Column("wrapped", sa.LargeBinary),  # null once it was destroyed
    sa.Column("destroyed_at", Utc),
)

audit = sa.Table(  # who did what to which thing; a chain, see audit.py
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),  # a principal, or a user of the operating system
    sa.Column("action", sa.Text, nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("hash", sa.Text),  # of this entry and of all before it
    sa.Column("owner", sa.Text),
    sa.Column("outcome", sa.Text),
)

checkpoints = sa.Table(  # of the audit, signed
    "checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

holds = sa.Table(  # what neither `erase` nor retention may remove
    "holds",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),  # artifact or lead
    sa.Column("subject", sa.Text, nullable=False),  # the artifact, or the lead's mark in hexadecimal digits
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("placed_by", sa.Text, nullable=False),
    sa.Column("placed_at", Utc, nullable=False),
    sa.Column("released_by", sa.Text),
    sa.Column("released_at", Utc),
)

api_keys = sa.Table(  # the key itself is nowhere
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # its first digits
    sa.Column("principal", sa.Text, nullable=False, index=True),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("last_used_at", Utc),
    sa.Column("revoked_at", Utc),
)

export_requests = sa.Table(  # exports that were asked for over HTTP, one run each
    "export_requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # 24 hex digits
    sa.Column("run_id", sa.Text, nullable=False, unique=True),  # of Dagster, chosen before the run exists
    sa.Column("requester", sa.Text, nullable=False),  # a principal, or the operator without access.yaml
    sa.Column("export", sa.Text, nullable=False),
    sa.Column("definition", sa.JSON(none_as_null=True)),  # of an ad-hoc export, as it was written
    sa.Column("partition", sa.Text),
    sa.Column("window_key", sa.Text, nullable=False),
    sa.Column("start", Utc, nullable=False),
    sa.Column("end", Utc, nullable=False),
    sa.Column("overrides", sa.JSON, nullable=False),
    sa.Column("any_hour", sa.Boolean, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("body_sha256", sa.Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("expected_rows", sa.BigInteger),  # counted when it was asked for
    sa.Column("rows", sa.BigInteger, nullable=False),  # written so far
    sa.Column("artifact", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("ended_at", Utc),
    sa.Column("deleted_at", Utc),
    sa.UniqueConstraint("requester", "idempotency_key"),
    sa.Index("export_requests_by_time", "created_at", "id"),
)

links = sa.Table(  # signed links to one artifact for one recipient; the signature is nowhere
    "links",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("artifact", sa.Text, nullable=False, index=True),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("single_use", sa.Boolean, nullable=False),
    sa.Column("revoked_at", Utc),
)

link_uses = sa.Table(  # the files that were fetched by a link of single use
    "link_uses",
    metadata,
    sa.Column("link", sa.Text, sa.ForeignKey("links.id"), primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("at", Utc, nullable=False),
)

sessions = sa.Table(  # of people who signed in on the page; the token itself is nowhere
    "sessions",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("principal", sa.Text, nullable=False, index=True),
    sa.Column("key", sa.Text),  # the id of the API key that started it
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
)

streams = sa.Table(  # exports without an end: the cursor of each, and who runs it
    "streams",
    metadata,
    sa.Column("export", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # of the lease: each new holder adds one
    sa.Column("holder", sa.Text),
    sa.Column("held_since", Utc),
    sa.Column("seen_at", Utc),  # when the holder last wrote here
    sa.Column("wanted_by", sa.Text),  # who waits for the lease; the holder gives it up at a batch's end
    sa.Column("paused_at", Utc),
    sa.Column("paused_by", sa.Text),
    sa.Column("cursor", sa.JSON(none_as_null=True)),
    sa.Column("intentions", sa.JSON, nullable=False),  # of commits at this cursor that were not seen to end
    sa.Column("sequence", sa.BigInteger, nullable=False),  # of the next record
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("schema", sa.Text),  # SHA-256 of the records' schema
    sa.Column("sent", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("batches", sa.BigInteger, nullable=False),
    sa.Column("doubtful", sa.BigInteger, nullable=False),  # may be twice at the sink
    sa.Column("late", sa.BigInteger, nullable=False),  # older than a record before them
    sa.Column("newest", Utc),  # time of the newest record
    sa.Column("error", sa.Text),
    sa.Column("error_at", Utc),
)

stream_objects = sa.Table(  # what streams put into buckets, until a manifest lists it
    "stream_objects",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("export", sa.Text, nullable=False, index=True),
    sa.Column("first_sequence", sa.BigInteger, nullable=False),
    sa.Column("last_sequence", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

dead_letters = sa.Table(  # records that a sink can never take; no value of them
    "dead_letters",
    metadata,
    sa.Column("export", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)
