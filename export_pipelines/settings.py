"""Where things live: source, artifact store, keys, folders. Read once at a door, handed down as data."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import (
    NO_AUDIT_KEY,
    NO_HASH_KEY,
    NO_LINK_KEY,
    NO_MASTER_KEY,
    PREFIX,
    KeyVersions,
    key_names,
    key_versions,
    read_secret,
)

MAX_PARTITIONS_PER_RUN = 92  # a quarter of days: they share what a run costs by itself
MAX_CONNECTIONS = 16  # to the source, of one run
CATALOG_FILE = "catalog.yaml"  # in HOME: the custom fields of imported leads


DRIVERS = {
    "postgresql": "postgresql+psycopg",
    **dict.fromkeys(("mysql", "mariadb", "mariadb+pymysql"), "mysql+pymysql"),
}


class Settings(BaseModel):
    """The program's settings; every field is `EXPORT_PIPELINES_<FIELD>` in the environment."""

    model_config = ConfigDict(frozen=True)

    root: Path  # the project's folder, from which relative paths are taken
    home: Path
    source_url: SecretStr  # holds a password
    source_connections: int = 1  # which may share the rows of one large window
    store_url: str
    ledger_url: SecretStr  # may hold a password
    definitions: Path
    alerts: Path  # who is told of what; nobody where the file is not there
    allowed: Path  # what exports may name; anything where the file is not there
    requires_allowed: bool = False  # the environment names the file, so it must be there
    access: Path  # who may export what; one operator may do everything where the file is not there
    requires_access: bool = False  # the environment names the file, so it must be there
    catalog: Path | None = (
        None  # None: the catalog that ships with the package; `import` writes <home>/catalog.yaml
    )
    hash_key: KeyVersions = NO_HASH_KEY
    master_key: KeyVersions = NO_MASTER_KEY
    audit_key: KeyVersions = NO_AUDIT_KEY  # signs checkpoints of the audit
    link_key: KeyVersions = NO_LINK_KEY  # signs links to downloads
    smtp_url: SecretStr | None = None  # of the server that takes mail: smtp://user:password@host:587
    mail_from: str | None = None
    broker_url: SecretStr | None = None  # through which runs go to workers on other machines
    partitions_per_run: int = (
        MAX_PARTITIONS_PER_RUN  # at most, of a backfill in the UI; with workers, smaller runs share it out
    )
    openlineage_url: str | None = None  # of the server that takes lineage
    openlineage_key: SecretStr | None = None  # which it asks for, as a bearer token
    public_url: str | None = None  # where people reach download links; None while nothing serves them

    @classmethod
    def load(cls, environment: Mapping[str, str], root: Path) -> "Settings":
        """Settings from `environment`; relative paths are taken from `root`, the project's folder.

        A key `NAME` may also come from the file that `NAME_FILE` names; without either, from `<home>/keys/<name>`
        (`hash_key`, `master_key`, `audit_key`, `link_key`) where that file exists, as the demo and `serve` make it. `NAME_2`, `NAME_3`, ... are newer
        versions of it, `NAME_ACTIVE` is the number of the one in use. Without CATALOG, the catalog is
        `<home>/catalog.yaml` where that file exists, as `import` makes it. Raises SettingsError.
        """

        def text(name: str, default: str) -> str:
            return environment.get(PREFIX + name) or default

        home = (root / text("HOME", ".export_pipelines")).resolve()
        store = text("STORE_URL", str(home / "artifacts"))
        catalog = environment.get(PREFIX + "CATALOG")
        return cls(
            root=root,
            home=home,
            source_url=SecretStr(text("SOURCE_URL", f"sqlite:///{home / 'leads.db'}")),
            source_connections=_number(environment, "SOURCE_CONNECTIONS", 1, MAX_CONNECTIONS, "connections"),
            store_url=store if "://" in store else str((root / store).resolve()),
            ledger_url=SecretStr(text("LEDGER_URL", f"sqlite:///{home / 'ledger.db'}")),
            definitions=(root / text("DEFINITIONS", "exports")).resolve(),
            alerts=(root / text("ALERTS", "alerts.yaml")).resolve(),
            allowed=(root / text("ALLOWED", "allowed.yaml")).absolute(),
            requires_allowed=bool(environment.get(PREFIX + "ALLOWED")),
            access=(root / text("ACCESS", "access.yaml")).absolute(),
            requires_access=bool(environment.get(PREFIX + "ACCESS")),
            catalog=(root / catalog).resolve() if catalog else _if_there(home / CATALOG_FILE),
            hash_key=key_versions(environment, "HASH_KEY", root, home),
            master_key=key_versions(environment, "MASTER_KEY", root, home),
            audit_key=key_versions(environment, "AUDIT_KEY", root, home),
            link_key=key_versions(environment, "LINK_KEY", root, home),
            smtp_url=_secret(environment, "SMTP_URL", root, home),
            mail_from=environment.get(PREFIX + "MAIL_FROM") or None,
            broker_url=_secret(environment, "BROKER_URL", root, home),
            partitions_per_run=_number(
                environment,
                "PARTITIONS_PER_RUN",
                MAX_PARTITIONS_PER_RUN,
                MAX_PARTITIONS_PER_RUN,
                "partitions",
            ),
            openlineage_url=environment.get(PREFIX + "OPENLINEAGE_URL") or None,
            openlineage_key=_secret(environment, "OPENLINEAGE_KEY", root, home),
            public_url=environment.get(PREFIX + "PUBLIC_URL") or None,
        )

    @property
    def dagster_folder(self) -> Path:
        """Where Dagster keeps its own state."""
        return self.home / "dagster"

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the source database, `sqlite` for sqlite:///leads.db. Raises SettingsError."""
        kind, separator, _ = self.source_url.get_secret_value().partition("://")
        if not separator:
            raise SettingsError(
                "the URL of the lead store does not begin with a kind of database",
                where=f"{PREFIX}SOURCE_URL",
                remedy="for example sqlite:////var/lib/leads.db",
            )
        return kind.partition("+")[0]

    @property
    def key_names(self) -> Mapping[str, str | SettingsError]:
        """For HASH_KEY and MASTER_KEY, the version in use as plans name it, or why there is none."""
        return key_names(self.hash_key, self.master_key)


def project_root(environment: Mapping[str, str]) -> Path:
    """The folder that relative paths are taken from: DAGSTER_HOME, else the working directory."""
    return Path(environment.get("DAGSTER_HOME") or Path.cwd())


def _number(environment: Mapping[str, str], name: str, default: int, most: int, what: str) -> int:
    text = environment.get(PREFIX + name)
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise SettingsError(
            f"that is no number of {what}", where=f"{PREFIX}{name}", remedy=f"a number from 1 to {most}"
        )
    return int(text) if text else default


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _secret(environment: Mapping[str, str], name: str, root: Path, home: Path) -> SecretStr | None:
    secret, _ = read_secret(environment, name, root, home)
    return SecretStr(secret) if secret else None


def driver_url(url: str) -> str:
    """An SQLAlchemy URL with the driver that comes with the database's extra, where it names none."""
    kind, separator, address = url.partition("://")
    return DRIVERS.get(kind, kind) + separator + address
