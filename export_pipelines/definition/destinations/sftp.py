"""`sftp:` a folder of a server that people reach by SSH."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from export_pipelines.definition.destinations.encryption import EncryptedSettings
from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.settings import (
    FolderPath,
    Overwrite,
    Seconds,
)
from export_pipelines.definition.words import Flag, fault, unless
from export_pipelines.yaml.lines import Key

KNOWN_HOSTS = "~/.ssh/known_hosts"
Verify = Literal["size", "read_back", "acknowledged"]
Port = Annotated[int, Field(ge=1, le=65535)]


class SshLogin(BaseModel):
    """How to get into a server: one of `password` and `key`; its host key is `host_key`, or stands in `known_hosts`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1)]
    port: Port = 22
    user: Annotated[str, Field(min_length=1)]
    password: Secret | None = None
    key: Secret | None = None
    passphrase: Secret | None = None
    host_key: str | None = None
    known_hosts: str = KNOWN_HOSTS

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.key is None):
            raise fault("one of password and key is expected")
        if self.host_key is not None and len(self.host_key.split()) < 2:
            raise fault(
                "a host key is its kind and its base64, as ssh-keyscan prints them: ssh-ed25519 AAAA..."
            )
        return self


class SftpSettings(EncryptedSettings, SshLogin):
    """Files go into the folder `path`, from the login's home where it is relative. `jump` is a host on the way (ProxyJump).

    `verify`: how it becomes certain that a file arrived: its `size` (the default; it is read back where the server tells
    none), `read_back` and held against its SHA-256, or `acknowledged`: the server took every byte. `drop_box`: the folder
    can only be written into, so the last is all there is.
    """

    kind: ClassVar[str] = "sftp"
    EXAMPLE: ClassVar[str] = (
        'sftp: {host: sftp.example.com, user: acme, password: {env: PARTNER_PASSWORD}, path: "leads/{{date}}"}'
    )
    place: ClassVar[str | None] = "path"

    path: FolderPath
    overwrite: Overwrite = "replace"
    manifest: Flag = True
    verify: Verify | None = unless(None)
    drop_box: Flag = unless(False)
    jump: SshLogin | None = None
    timeout_s: Seconds = 30

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.drop_box and self.verify not in (None, "acknowledged"):
            raise fault("nothing can be looked at in a drop box: `verify: acknowledged` is all there is")
        if self.drop_box and self.overwrite == "version":
            raise fault(
                "`overwrite: version` looks what is there, and in a drop box nothing can be looked at"
            )
        return self

    @property
    def proof(self) -> Verify:
        return self.verify or ("acknowledged" if self.drop_box else "size")

    def replaces(self) -> Overwrite:
        return self.overwrite

    def server(self) -> str:
        return f"{self.user}@{self.host}:{self.port}:"

    def reaches(self) -> tuple[str, ...]:
        return (self.host,)

    def named(self) -> Iterator[Named]:
        yield from EncryptedSettings.named(self)
        yield from _hosts(self, ())
        if self.jump is not None:
            yield from _hosts(self.jump, ("jump",))


def _hosts(login: SshLogin, key: Key) -> Iterator[Named]:
    yield Named((*key, "host"), "hosts", login.host)
    if login.known_hosts != KNOWN_HOSTS:
        yield Named((*key, "known_hosts"), "files", login.known_hosts)
