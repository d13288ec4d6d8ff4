"""One more database on a server that runs, so that tests that fill tables do not meet."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}


def new_database(server: str, name: str) -> str:
    """The URL of the new, empty database `name` on the server of the URL `server`."""
    url = make_url(server)
    engine = create_engine(url.set(drivername=DRIVERS[url.drivername]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
