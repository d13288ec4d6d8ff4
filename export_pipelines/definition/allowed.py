"""What exports may name: `allowed.yaml`, the operator's list of variables, files, folders, hosts, buckets and mail domains.

Without the file they may name any; a key that the file leaves out allows none of its kind, but for `folders`."""

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from export_pipelines.definition.destinations.hosts import plain_host
from export_pipelines.definition.destinations.named import Kind
from export_pipelines.definition.destinations.secret import is_own_variable
from export_pipelines.definition.operator_file import read_operator_file
from export_pipelines.definition.words import fault

Network = IPv4Network | IPv6Network
NOUNS: dict[Kind, str] = {
    "variables": "variable",
    "files": "file",
    "folders": "folder",
    "hosts": "host",
    "buckets": "bucket",
    "mail_domains": "mail domain",
}
PATHS: tuple[Kind, ...] = ("files", "folders")
MOST_SHOWN = 10


def _glob(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise fault('a name is expected, or a glob such as "*"')
    return value


def _variable(value: str) -> str:
    if is_own_variable(value):
        raise fault(f'"{value}" is a variable of the program itself, which no export may read')
    return value


def _network(value: Any) -> Any:
    try:
        return ip_network(value, strict=False) if isinstance(value, str) else value
    except ValueError:
        raise fault("an address or a network is expected, such as 10.1.0.0/16") from None


Glob = Annotated[str, AfterValidator(_glob)]
HostGlob = Annotated[Glob, AfterValidator(plain_host)]


class Allowed(BaseModel):
    """Globs of each kind. `folders` are those outside of the program's own that exports may deliver into, any unless the
    list names some; `private_networks` those whose addresses webhooks may reach, by plain http too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: tuple[Annotated[Glob, AfterValidator(_variable)], ...] = ()
    files: tuple[Glob, ...] = ()
    folders: tuple[Glob, ...] = ("/**",)
    hosts: tuple[HostGlob, ...] = ()
    buckets: tuple[Glob, ...] = ()
    mail_domains: tuple[HostGlob, ...] = ()
    private_networks: tuple[
        Annotated[Network, BeforeValidator(_network, json_schema_input_type=str)], ...
    ] = ()

    def permits(self, kind: Kind, name: str, root: Path) -> bool:
        """Whether an export may name `name`; a file or folder is an absolute path, and their globs are taken from `root`."""
        globs: tuple[str, ...] = getattr(self, kind)
        if kind in PATHS:
            return any(_covers(_parts(root, glob), Path(name).parts) for glob in globs)
        plain = plain_host(name) if kind in ("hosts", "mail_domains") else name
        return any(fnmatchcase(plain, glob) for glob in globs)

    def refusal(self, kind: Kind, name: str, root: Path, file: str) -> str | None:
        """Why an export may not name `name`, None when it may; `file` is the operator's list."""
        if self.permits(kind, name, root):
            return None
        globs: tuple[str, ...] = getattr(self, kind)
        more = ", ..." if len(globs) > MOST_SHOWN else ""
        listed = f"allowed: {', '.join(globs[:MOST_SHOWN])}{more}" if globs else f"it allows no {NOUNS[kind]}"
        return f'{file} does not allow the {NOUNS[kind]} "{name}"; {listed} (the operator lists it under `{kind}`)'


ANY = Allowed(variables=("*",), files=("/**",), hosts=("*",), buckets=("*",), mail_domains=("*",))


def load_allowed(path: Path, demanded: bool = False) -> Allowed:
    """The list in the file; ANY without a file, unless it is `demanded`.

    Raises DefinitionError with every fault and its line.
    """
    if not demanded and not os.path.lexists(path):
        return ANY
    return read_operator_file(path, Allowed)


def _parts(root: Path, glob: str) -> tuple[str, ...]:
    return Path(os.path.normpath(root / Path(glob).expanduser())).parts


def _covers(globs: Sequence[str], parts: Sequence[str]) -> bool:
    """Part by part, so that * stays within a folder; ** is any number of folders."""
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_covers(globs[1:], parts[start:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and _covers(globs[1:], parts[1:])
