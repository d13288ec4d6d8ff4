"""Sessions of people who signed in on the page: whose, until when, by which key. Of the token only the SHA-256 is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipelines.errors import Denied
from export_pipelines.ledger.tables import api_keys, sessions

PREFIX = "eps_"
TOKEN_BYTES = 32
LIFETIME = timedelta(hours=12)


def is_session(token: str) -> bool:
    """Whether the text has the form of a session's token, which no API key has."""
    return token.startswith(PREFIX)


class Sessions:
    """The sessions of the ledger behind `engine`; all processes of the service see the same ones."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def new(self, principal: str, at: datetime, key: str | None = None) -> str:
        """Starts a session and returns its token. A session that was started by an API key ends with the `key` of that id."""
        token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        row = {
            "sha256": _digest(token),
            "principal": principal,
            "key": key,
            "created_at": at,
            "expires_at": at + LIFETIME,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= at))
            connection.execute(sa.insert(sessions).values(row))
        return token

    def use(self, token: str, at: datetime) -> str:
        """The principal of a session that is active. Raises Denied."""
        key_ends = sa.or_(
            sessions.c.key.is_(None),
            sa.and_(api_keys.c.revoked_at.is_(None), api_keys.c.expires_at > at),
        )
        query = (
            sa.select(sessions.c.principal)
            .join(api_keys, api_keys.c.id == sessions.c.key, isouter=True)
            .where(sessions.c.sha256 == _digest(token), sessions.c.expires_at > at, key_ends)
        )
        with self.engine.begin() as connection:
            principal = connection.scalar(query)
        if principal is None:
            raise Denied("the session has ended", remedy="sign in again")
        return str(principal)

    def end(self, token: str) -> None:
        """Ends one session."""
        self._delete(sessions.c.sha256 == _digest(token))

    def end_all(self, principal: str) -> int:
        """Ends all sessions of a principal, in every browser; says how many."""
        return self._delete(sessions.c.principal == principal)

    def _delete(self, where: sa.ColumnElement[bool]) -> int:
        with self.engine.begin() as connection:
            return connection.execute(sa.delete(sessions).where(where)).rowcount


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
