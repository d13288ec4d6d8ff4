"""API keys in the ledger: whose, until when, last used when. Of the key itself only the SHA-256 is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipelines.access.keys import digest_of, id_of, key_text
from export_pipelines.errors import Denied, RequestError, unknown
from export_pipelines.ledger.audit_action import AuditAction
from export_pipelines.ledger.audit_entries import AuditRecord, add_entry
from export_pipelines.ledger.tables import api_keys

OPERATOR = "operator"  # the principal of keys where there is no access.yaml
USED_EVERY = timedelta(minutes=1)  # so often the last use is written


@dataclass(frozen=True)
class ApiKey:
    """`id` is the beginning of the key, by which people name it."""

    id: str
    principal: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, at: datetime) -> str:
        """active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= at else "active"


class ApiKeys:
    """The keys of the ledger behind `engine`."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def new(self, principal: str, lifetime: timedelta, at: datetime, random: bytes) -> str:
        """Makes a key of 256 `random` bits; gives its text, which nobody can be told again."""
        key = key_text(random)
        row = {
            "id": id_of(key),
            "principal": principal,
            "sha256": digest_of(key),
            "created_at": at,
            "expires_at": at + lifetime,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(api_keys).values(row))
        return key

    def all(self, principal: str | None = None) -> list[ApiKey]:
        """Oldest first."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        if principal is not None:
            query = query.where(api_keys.c.principal == principal)
        with self.engine.begin() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def named(self, id: str) -> ApiKey:
        """Raises RequestError for one that is not there."""
        keys = {key.id: key for key in self.all()}
        if id not in keys:
            raise RequestError(unknown("key", id, keys, "export-pipelines access key list"))
        return keys[id]

    def use(self, key: str, at: datetime) -> str:
        """The principal whose key this is; `at` is kept as its last use, which the audit records, to the minute. Raises Denied,
        without repeating the key."""
        digest = digest_of(key)
        with self.engine.begin() as connection:
            row = (
                connection.execute(sa.select(api_keys).where(api_keys.c.sha256 == digest)).mappings().first()
            )
            api_key = _key(row) if row else None
            if api_key is None or api_key.state(at) != "active":
                state = (
                    f"the API key {api_key.id} is {api_key.state(at)}"
                    if api_key
                    else "the API key is not known"
                )
                raise Denied(state, remedy="export-pipelines access key new NAME makes another")
            if api_key.last_used_at is None or at - api_key.last_used_at >= USED_EVERY:
                connection.execute(
                    sa.update(api_keys).where(api_keys.c.id == api_key.id).values(last_used_at=at)
                )
                used = AuditRecord(api_key.principal, AuditAction.KEY_USE, f"API key {api_key.id}")
                add_entry(connection, used.row(at))
        return api_key.principal

    def revoke(self, id: str, at: datetime) -> None:
        """Ends a key now. Raises RequestError for one that is not there."""
        self._change(self.named(id), revoked_at=at)

    def rotate(self, id: str, overlap: timedelta, at: datetime, random: bytes) -> str:
        """Another key of the same principal for as long as this one was to live; this one ends after `overlap`, if not
        before. Gives the new key's text. Raises RequestError for one that is not there or has ended."""
        old = self.named(id)
        if old.state(at) != "active":
            raise RequestError(f"the key {id} is {old.state(at)}", remedy="make a new one")
        key = self.new(old.principal, old.expires_at - old.created_at, at, random)
        self._change(old, expires_at=min(old.expires_at, at + overlap))
        return key

    def _change(self, key: ApiKey, **values: datetime) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(api_keys).where(api_keys.c.id == key.id).values(values))


def _key(row: sa.RowMapping) -> ApiKey:
    return ApiKey(**{name: row[name] for name in ApiKey.__dataclass_fields__})
