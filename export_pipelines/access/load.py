"""Reads access.yaml; every fault of it is one error, each with its line. Without the file there is no policy."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from export_pipelines.access.faults import policy_faults
from export_pipelines.access.policy import Policy, WrittenPolicy
from export_pipelines.catalog import Catalog
from export_pipelines.catalog.load import shown
from export_pipelines.errors import AccessFileError
from export_pipelines.yaml.lines import YamlFault, read_yaml_file
from export_pipelines.yaml.schema_faults import plain_faults

Stamp = tuple[int, int, int]


def load_policy(path: Path, catalog: Catalog, demanded: bool = False) -> Policy | None:
    """The policy in the file; None without a file, unless it is `demanded`. Raises AccessFileError with every fault."""
    if not demanded and not os.path.lexists(path):
        return None
    file = shown(path)
    try:
        document = read_yaml_file(path)
    except OSError as error:
        raise AccessFileError([f"{file}: cannot read the file: {error.strerror}"]) from error
    except YamlFault as error:
        raise AccessFileError([f"{file}:{error.line}: {error.what}"]) from error
    faults = list(policy_faults(document.data, catalog))
    try:
        written = WrittenPolicy.model_validate(document.data)
    except ValidationError as error:
        faults += plain_faults(error, WrittenPolicy)
    if faults:
        lines = sorted({(document.line(key), text) for key, text in faults})
        raise AccessFileError(f"{file}:{line}: {text}" for line, text in lines)
    return Policy(
        written.roles, written.principals, document, file, hashlib.sha256(path.read_bytes()).hexdigest()
    )


@dataclass
class PolicyFile:
    """access.yaml as it is now: read again when the file has changed."""

    path: Path
    catalog: Catalog
    demanded: bool = False
    _last: tuple[Stamp | None, Policy | None] = field(default=(None, None), init=False)

    def read(self) -> Policy | None:
        """See load_policy."""
        stamp, (last, policy) = self._stamp_now(), self._last
        if stamp is None or stamp != last:
            policy = load_policy(self.path, self.catalog, self.demanded)
            self._last = stamp, policy  # together: threads read it
        return policy

    def _stamp_now(self) -> Stamp | None:
        try:
            now = self.path.stat()
        except OSError:
            return None
        return now.st_mtime_ns, now.st_size, now.st_ino
