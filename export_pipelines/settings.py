"""Where things live: source, artifact store, keys, folders. Read once at a door, handed down as data."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from export_pipelines.errors import SettingsError

PREFIX = "EXPORT_PIPELINES_"


class Settings(BaseModel):
    """The program's settings; every field is `EXPORT_PIPELINES_<FIELD>` in the environment."""

    model_config = ConfigDict(frozen=True)

    home: Path
    source_url: SecretStr  # holds a password
    store_url: str
    definitions: Path
    catalog: Path | None = None  # None: the catalog that ships with the package
    hash_key: SecretStr | None = None
    master_key: SecretStr | None = None

    @classmethod
    def load(cls, environment: Mapping[str, str], root: Path) -> "Settings":
        """Settings from `environment`; relative paths are taken from `root`, the project's folder.

        A key `NAME` may also come from the file that `NAME_FILE` names. Raises SettingsError.
        """

        def text(name: str, default: str) -> str:
            return environment.get(PREFIX + name) or default

        home = (root / text("HOME", ".export_pipelines")).resolve()
        catalog = environment.get(PREFIX + "CATALOG")
        return cls(
            home=home,
            source_url=SecretStr(text("SOURCE_URL", f"sqlite:///{home / 'leads.db'}")),
            store_url=text("STORE_URL", str(home / "artifacts")),
            definitions=(root / text("DEFINITIONS", "exports")).resolve(),
            catalog=(root / catalog).resolve() if catalog else None,
            hash_key=_secret(environment, "HASH_KEY", root),
            master_key=_secret(environment, "MASTER_KEY", root),
        )

    @property
    def dagster_folder(self) -> Path:
        """Where Dagster keeps its own state."""
        return self.home / "dagster"


def project_settings() -> Settings:
    """Settings of this process: its environment and, for relative paths, DAGSTER_HOME or the working directory."""
    return Settings.load(os.environ, Path(os.environ.get("DAGSTER_HOME") or Path.cwd()))


def _secret(environment: Mapping[str, str], name: str, root: Path) -> SecretStr | None:
    value, file = environment.get(PREFIX + name), environment.get(f"{PREFIX}{name}_FILE")
    if value:
        return SecretStr(value)
    if not file:
        return None
    try:
        return SecretStr((root / file).read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SettingsError(
            f"cannot read the key file: {error.strerror}",
            where=f"{PREFIX}{name}_FILE={file}",
            remedy=f"write the key into that file, or set {PREFIX}{name}",
        ) from error
