"""Namespaces and names of datasets, by OpenLineage's rules; no password of a URL is in them."""

from urllib.parse import urlsplit

SCHEMES = {"postgresql": "postgres", "mariadb": "mysql"}  # as OpenLineage names them
PORTS = {"postgres": 5432, "mysql": 3306}
SCHEMAS = {"postgres": "public"}  # of a table without one


class Places:
    """Of the tables of one source, and of the exports in one store."""

    def __init__(self, source_url: str, store_url: str) -> None:
        source, store = urlsplit(source_url), urlsplit(store_url)
        kind = source.scheme.partition("+")[0]
        scheme = SCHEMES.get(kind, kind)
        self._schema = SCHEMAS.get(scheme, "")
        if source.hostname:
            port = source.port or PORTS.get(scheme)
            self.source = f"{scheme}://{source.hostname}" + (f":{port}" if port else "")
            self._database = source.path.strip("/")
        else:  # a file: /// and its path
            self.source, self._database = f"{scheme}://{source.path[1:]}", ""
        self.store = f"s3://{store.hostname}" if store.scheme == "s3" else "file"
        self._folder = store.path.strip("/") if store.scheme == "s3" else store.path.rstrip("/")

    def table(self, table: str) -> str:
        """Its name in `source`."""
        schema = "" if "." in table else self._schema
        return ".".join(part for part in (self._database, schema, table) if part)

    def export(self, export: str) -> str:
        """The name of all of its artifacts in `store`."""
        return "/".join(part for part in (self._folder, export) if part)
