"""Links to artifacts: for whom, until when, and whether they were used or revoked. Of the link itself nothing is kept."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.ledger.inserts import insert_new_returning
from export_pipelines.ledger.tables import link_uses, links


@dataclass(frozen=True)
class Link:
    """`recipient` is for whom it was made; `single_use` lets each file be fetched once."""

    id: str
    artifact: str
    recipient: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    single_use: bool = False
    revoked_at: datetime | None = None

    def state(self, at: datetime) -> str:
        """active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= at else "active"


class Links:
    """The links of the ledger behind `engine`."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def add(self, link: Link) -> None:
        row = {name: getattr(link, name) for name in Link.__dataclass_fields__}
        with self.engine.begin() as connection:
            connection.execute(sa.insert(links).values(row))

    def named(self, id: str) -> Link | None:
        with self.engine.begin() as connection:
            row = connection.execute(sa.select(links).where(links.c.id == id)).mappings().first()
        return Link(**{name: row[name] for name in Link.__dataclass_fields__}) if row else None

    def of_artifact(self, artifact: str) -> list[Link]:
        """Oldest first."""
        query = sa.select(links).where(links.c.artifact == artifact).order_by(links.c.created_at, links.c.id)
        with self.engine.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [Link(**{name: row[name] for name in Link.__dataclass_fields__}) for row in rows]

    def use(self, id: str, file: str, at: datetime) -> bool:
        """False where the file was fetched by the link before."""
        with self.engine.begin() as connection:
            insert = insert_new_returning(connection.dialect.name, link_uses)
            return connection.execute(insert, {"link": id, "file": file, "at": at}).first() is not None

    def revoke(self, id: str, at: datetime) -> None:
        with self.engine.begin() as connection:
            where = sa.and_(links.c.id == id, links.c.revoked_at.is_(None))
            connection.execute(sa.update(links).where(where).values(revoked_at=at))
