"""What destinations are opened with: folders, what the operator allows, and the secrets that definitions only name."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from export_pipelines.artifacts import Store, open_store
from export_pipelines.catalog.load import shown
from export_pipelines.definition.allowed import Allowed, load_allowed
from export_pipelines.definition.destinations.named import Kind
from export_pipelines.definition.destinations.secret import OWN_VARIABLE, SecretName, is_own_variable
from export_pipelines.delivery.link import LinkTo
from export_pipelines.delivery.sessions import Sessions
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.settings import Settings

if TYPE_CHECKING:
    from export_pipelines.s3 import ClientOf

Environment = Mapping[str, str]
PROCESSES = Path("/proc")  # holds the environment, and the open files, of this process


@dataclass(frozen=True)
class Resources:
    """Relative paths of secrets and keys are taken from the project's folder; `require_time` is that of an Artifact."""

    settings: Settings
    environment: Environment = field(repr=False)
    s3_client: "ClientOf | None" = field(default=None, repr=False)  # for buckets that say nothing of how
    project_store: Callable[[], Store] | None = field(default=None, repr=False)  # knows sealed artifacts
    link_to: LinkTo | None = field(default=None, repr=False)  # of an attempt at a delivery
    sessions: Sessions = field(default_factory=Sessions, repr=False)  # of destinations
    require_time: Callable[[], None] = field(default=lambda: None, repr=False)

    def open_store(self) -> Store:
        if self.project_store is not None:
            return self.project_store()
        return open_store(self.settings.store_url, self.s3_client)

    @cached_property
    def allowed(self) -> Allowed:
        """The operator's list as it is now. Raises DefinitionError."""
        return load_allowed(self.settings.allowed, self.settings.requires_allowed)

    def refusal(self, kind: Kind, name: str) -> str | None:
        """Why an export may not name `name`; None when it may. Raises DefinitionError for a list that is wrong."""
        settings = self.settings
        if kind == "variables" and is_own_variable(name):
            return OWN_VARIABLE.format(name)
        if kind == "files":
            path = self._absolute(name)
            if self._is_own(path):
                return f'"{name}" is a file of the program itself; name a file of your own'
            name = str(path)
        elif kind == "folders":
            name = str(self._absolute(name))
        return self.allowed.refusal(kind, name, settings.root.absolute(), shown(settings.allowed))

    def require(self, kind: Kind, name: str, where: str) -> None:
        """Raises RequestError for what an export may not name."""
        refusal = self.refusal(kind, name)
        if refusal:
            raise RequestError(refusal, where=where)

    def secret(self, name: SecretName, where: str) -> str:
        """The secret that `name` names. Raises SettingsError, which names the variable or the file, when it is not there,
        and for a variable or a file of the program itself."""
        if name.env is None:
            return self._text(str(name.file), where)
        if is_own_variable(name.env):
            raise SettingsError(OWN_VARIABLE.format(name.env), where=where)
        value = self.environment.get(name.env)
        if not value:
            raise SettingsError(
                f"the variable {name.env} is not set",
                where=where,
                remedy=f"set {name.env} in the environment",
            )
        return value

    def path(self, written: str, where: str) -> Path:
        """From the project's folder where it is relative; ~ is the home of who runs this. Raises SettingsError for a file
        of the program itself."""
        path = self._absolute(written)
        if self._is_own(path):
            raise SettingsError(
                f'"{written}" is a file of the program itself', where=where, remedy="name a file of your own"
            )
        return path

    def file(self, path: str, where: str) -> bytes:
        """The bytes of a small file that a definition names. Raises SettingsError."""
        try:
            return self.path(path, where).read_bytes()
        except OSError as error:
            raise SettingsError(
                f"cannot read {path}: {error.strerror}",
                where=where,
                remedy="name a file that this user can read",
            ) from error

    def _text(self, path: str, where: str) -> str:
        try:
            return self.file(path, where).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise SettingsError(
                f"cannot read {path}: it is not text", where=where, remedy="name a file that holds the secret"
            ) from None

    def _absolute(self, written: str) -> Path:
        """Without `..`, as it is compared with what the operator allows."""
        try:
            path = Path(written).expanduser()
        except RuntimeError as error:
            raise SettingsError(f"cannot read {written}: no such home") from error
        return Path(os.path.normpath(self.settings.root.absolute() / path))

    def _is_own(self, path: Path) -> bool:
        real = Path(os.path.realpath(path))
        return any(real == own or own in real.parents for own in self._own_files())

    def _own_files(self) -> Iterator[Path]:
        """HOME, what holds the operator's secrets, leads and artifacts elsewhere, and this process."""
        yield from (PROCESSES, Path(os.path.realpath(self.settings.home)))
        named = [value for name, value in self.environment.items() if _names_file(name) and value]
        named += [self.settings.store_url.removeprefix("file://")]
        for url in (self.settings.source_url, self.settings.ledger_url):
            _, _, file = url.get_secret_value().partition("?")[0].partition(":///")
            named += [file + end for end in BESIDE_A_DATABASE] if file else []
        yield from (Path(os.path.realpath(self.settings.root / text)) for text in named)


BESIDE_A_DATABASE = ("", "-wal", "-shm", "-journal", ".wal")


def _names_file(variable: str) -> bool:
    return variable.startswith(PREFIX) and variable.endswith("_FILE")
