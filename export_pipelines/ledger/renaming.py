"""An export that was renamed takes its records along."""

import sqlalchemy as sa

from export_pipelines.ledger.delivery import lock_key_of
from export_pipelines.ledger.tables import (
    alerts,
    artifacts,
    dead_letters,
    deliveries,
    requests,
    stream_objects,
    streams,
)


def take_along(connection: sa.Connection, old: str, new: str) -> bool:
    """Gives the records of export `old` to `new`, with the lock keys of its deliveries; False where there are none.

    Artifacts keep their ids, which tell where their files lie.
    """
    if connection.execute(sa.select(streams.c.number).where(streams.c.export == old)).first():
        if connection.execute(sa.select(streams.c.number).where(streams.c.export == new)).first():
            connection.execute(
                sa.delete(streams).where(streams.c.export == old)
            )  # it ran by its new name since
            return True
        for table in (streams, stream_objects, dead_letters):
            connection.execute(sa.update(table).where(table.c.export == old).values(export=new))
        return True
    of_old = sa.select(artifacts.c.artifact).where(artifacts.c.export == old)
    asked = sa.select(requests.c.run_id).where(requests.c.export == old)
    if not (connection.execute(of_old.limit(1)).first() or connection.execute(asked.limit(1)).first()):
        return False
    rows = connection.execute(
        sa.select(deliveries.c.id, deliveries.c.entry, artifacts.c.window_key, artifacts.c.series)
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(artifacts.c.export == old)
    ).all()
    for row in rows:
        lock_key = lock_key_of(new, row.series or row.window_key, row.entry)
        connection.execute(sa.update(deliveries).where(deliveries.c.id == row.id).values(lock_key=lock_key))
    for table in (artifacts, requests, alerts):
        connection.execute(sa.update(table).where(table.c.export == old).values(export=new))
    return True
