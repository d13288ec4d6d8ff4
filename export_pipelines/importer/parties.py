"""The parties that rows name, each written into the store once."""

from sqlalchemy import Connection, insert, select

from export_pipelines.importer.ids import party_id
from export_pipelines.importer.parse import Unfit
from export_pipelines.importer.refused_values import refusable
from export_pipelines.lead_store.tables import PARTIES


class Parties:
    """Flows, sources and recipients by name and id; a new one is written when a row first names it."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection
        self._names: dict[str, dict[str, str]] = {}  # kind -> id -> name
        self._ids: dict[str, dict[str, str]] = {}  # kind -> name -> id
        for kind, table in PARTIES.items():
            query = select(table.c.id, table.c.name).order_by(table.c.id.desc())
            rows = connection.execute(query).tuples().all() if connection else []
            self._names[kind] = dict(rows)
            self._ids[kind] = {name: id for id, name in rows}

    def id_of(self, kind: str, id: str | None, name: str | None) -> str | None:
        """The id of the party that a row names by id, name or both. Raises Unfit when they belong to two."""
        if id is None and name is None:
            return None
        if id is None:
            id = self._ids[kind].get(name or "") or party_id(kind, name or "")
        known = self._names[kind].get(id)
        if known is None:
            known = name or id
            with refusable(self._connection) as connection:
                if connection:
                    connection.execute(insert(PARTIES[kind]), {"id": id, "name": known})
            self._names[kind][id] = known
            self._ids[kind].setdefault(known, id)
        if name is not None and known != name:
            raise Unfit(f"{kind}.id belongs to another {kind}.name")
        return id
