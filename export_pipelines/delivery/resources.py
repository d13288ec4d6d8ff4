"""What destinations are opened with: folders, and the secrets that definitions only name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export_pipelines.artifacts import Store, open_store
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.errors import SettingsError
from export_pipelines.settings import Settings

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Resources:
    """Relative paths of secrets and keys are taken from the project's folder."""

    settings: Settings
    environment: Environment = field(repr=False)

    def open_store(self) -> Store:
        return open_store(self.settings.store_url)

    def secret(self, name: SecretName, where: str) -> str:
        """The secret that `name` names. Raises SettingsError, which names the variable or the file, when it is not there."""
        if name.env is not None:
            value = self.environment.get(name.env)
            if not value:
                raise SettingsError(
                    f"the variable {name.env} is not set",
                    where=where,
                    remedy=f"set {name.env} in the environment",
                )
            return value
        return self.file(str(name.file), where).decode(errors="strict").rstrip("\r\n")

    def path(self, written: str) -> Path:
        """From the project's folder where it is relative; ~ is the home of who runs this."""
        return self.settings.root / Path(written).expanduser()

    def file(self, path: str, where: str) -> bytes:
        """The bytes of a small file that a definition names. Raises SettingsError."""
        try:
            return self.path(path).read_bytes()
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "no such home"
            raise SettingsError(
                f"cannot read {path}: {reason}", where=where, remedy="name a file that this user can read"
            ) from error
