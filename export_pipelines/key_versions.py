"""The versions of a key that the environment holds, and the one that new exports use. A version that is no longer held
is retired: what it hid stays hidden."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretBytes

from export_pipelines.errors import SettingsError

PREFIX = "EXPORT_PIPELINES_"
SHORTEST_BYTES = 32
ID_BYTES = 4
VERSION = r"[2-9]|[1-9]\d+"  # the first one has no number
KMS_SCHEME = "aws-kms:"
KMS_KEY = re.compile(r"aws-kms://(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)")
IN_KMS = ("MASTER_KEY",)  # keys that may be one of AWS KMS, which never leaves it


class KeyVersion(BaseModel):
    """`where` names the variable or the file that holds the secret."""

    model_config = ConfigDict(frozen=True)

    name: str  # HASH_KEY, HASH_KEY_2
    secret: SecretBytes
    where: str

    @property
    def material(self) -> bytes:
        return self.secret.get_secret_value()

    @property
    def id(self) -> str:
        """Tells keys apart, and nothing about them."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        purpose = f"export_pipelines {re.sub(r'_[0-9]+$', '', self.name)} key id"
        return HKDF(SHA256(), ID_BYTES, None, purpose.encode()).derive(self.material).hex()

    def __str__(self) -> str:
        """As plans and manifests name it."""
        return f"{self.name}:{self.id}"


class KmsKeyName(BaseModel):
    """A version that is a key of AWS KMS: it seals artifacts, and nothing that needs its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str  # MASTER_KEY, MASTER_KEY_2
    arn: str


class KeyVersions(BaseModel):
    """All versions of the key `name`, the oldest first: those held here, and those of AWS KMS; `chosen` is what
    `<name>_ACTIVE` says."""

    model_config = ConfigDict(frozen=True)

    name: str  # HASH_KEY
    local: tuple[KeyVersion, ...] = ()
    kms: tuple[KmsKeyName, ...] = ()
    chosen: str = ""

    @property
    def is_set(self) -> bool:
        """Whether there is any version, held here or in AWS KMS."""
        return bool(self.local or self.kms)

    def active(self, purpose: str) -> KeyVersion:
        """The version held here that new exports use: the chosen one, or else the highest. Raises SettingsError, in which
        `purpose` (hash, tokenize) is what needs the key."""
        self.require(purpose)
        if not self.chosen or any(key.name == self._chosen_name for key in self.kms):
            return self.local[-1]
        for version in self.local:
            if version.name == self._chosen_name:
                return version
        raise self._not_held(purpose)

    def sealing(self, purpose: str) -> KeyVersion | KmsKeyName:
        """The version that seals: the chosen one, or else the highest of all. Raises SettingsError."""
        if self.local:
            self.require(purpose)
        versions: dict[str, KeyVersion | KmsKeyName] = {version.name: version for version in self.local}
        versions |= {key.name: key for key in self.kms}
        if not versions:
            raise key_not_set(self.name, purpose)
        if self.chosen and self._chosen_name not in versions:
            raise self._not_held(purpose)
        return versions[self._chosen_name if self.chosen else max(versions, key=_number)]

    @property
    def _chosen_name(self) -> str:
        return self.name if self.chosen == "1" else f"{self.name}_{self.chosen}"

    def _not_held(self, purpose: str) -> SettingsError:
        return SettingsError(
            f'{purpose} needs the version that {PREFIX}{self.name}_ACTIVE names, and no key is held for "{self.chosen}"',
            remedy=f"held: {listed(self.local)}; 1 is the version without a number",
        )

    def require(self, purpose: str) -> None:
        """Raises SettingsError without a key, for a key that is too short, or two versions with one secret."""
        if not self.local and self.kms:
            raise SettingsError(
                f"{purpose} needs a key that is held here, and {PREFIX}{self.kms[-1].name} names one of AWS KMS",
                remedy=f'set {PREFIX}{self.name}_2="$(openssl rand -hex 32)" besides, and {PREFIX}{self.name}_ACTIVE to '
                "the version that seals",
            )
        if not self.local:
            raise key_not_set(self.name, purpose)
        by_secret: dict[bytes, KeyVersion] = {}
        for version in self.local:
            if len(version.material) < SHORTEST_BYTES:
                raise SettingsError(
                    f"{purpose} needs keys of at least {SHORTEST_BYTES} bytes, and {version.where} holds "
                    f"{len(version.material)}",
                    remedy="openssl rand -hex 32 makes one",
                )
            other = by_secret.setdefault(version.material, version)
            if other is not version:
                raise SettingsError(
                    f"{purpose} needs versions that differ, and {other.where} and {version.where} hold the same key",
                    remedy="give the newer version a key of its own: openssl rand -hex 32",
                )

    def with_id(self, id: str) -> KeyVersion | None:
        return next((version for version in self.local if version.id == id), None)


PURPOSES = {"HASH_KEY": "hash", "MASTER_KEY": "tokenize"}
NO_HASH_KEY, NO_MASTER_KEY = KeyVersions(name="HASH_KEY"), KeyVersions(name="MASTER_KEY")
NO_AUDIT_KEY, NO_LINK_KEY = KeyVersions(name="AUDIT_KEY"), KeyVersions(name="LINK_KEY")


def key_names(*keys: KeyVersions) -> dict[str, str | SettingsError]:
    """For each key, the version in use as plans name it, or why there is none."""
    names: dict[str, str | SettingsError] = {}
    for versions in keys:
        try:
            names[versions.name] = str(versions.active(PURPOSES[versions.name]))
        except SettingsError as error:
            names[versions.name] = error
    return names


def key_not_set(name: str, purpose: str) -> SettingsError:
    variable = PREFIX + name
    return SettingsError(
        f"{purpose} needs the key {variable}, which is not set",
        remedy=f'export {variable}="$(openssl rand -hex 32)", or name a file that holds it in {variable}_FILE',
    )


def listed(versions: Iterable[KeyVersion]) -> str:
    return ", ".join(map(str, versions)) or "none"


def key_file(home: Path, name: str) -> Path:
    """Where the key `name` (HASH_KEY, HASH_KEY_2) lies when the environment does not say."""
    return home / "keys" / name.lower()


def key_versions(environment: Mapping[str, str], name: str, root: Path, home: Path) -> KeyVersions:
    """The versions of key `name`: each from the variable of its name, from the file that `<name>_FILE` names, or from
    `<home>/keys/`; MASTER_KEY may be the name of a key of AWS KMS, `aws-kms://ARN`. Raises SettingsError for a file without
    a key, and for a variable that names no version."""
    versions, in_kms = [], []
    for text in sorted(
        {name} | {f"{name}_{number}" for number in _numbers(environment, name, home)}, key=_number
    ):
        secret, where = read_secret(environment, text, root, home)
        if secret.startswith(KMS_SCHEME):
            in_kms.append(KmsKeyName(name=text, arn=_kms_arn(secret, name, where)))
        elif secret:
            versions.append(KeyVersion(name=text, secret=SecretBytes(secret.encode()), where=where))
    chosen = environment.get(f"{PREFIX}{name}_ACTIVE", "").strip()
    return KeyVersions(name=name, local=tuple(versions), kms=tuple(in_kms), chosen=chosen)


def _kms_arn(text: str, name: str, where: str) -> str:
    """Raises SettingsError for what names no key, or where the key itself is needed."""
    match = KMS_KEY.fullmatch(text)
    if match and name in IN_KMS:
        return match[1]
    what = "names no key of AWS KMS" if name in IN_KMS else "has to be held here, and this one is in AWS KMS"
    raise SettingsError(
        f"the key {what}",
        where=where,
        remedy=f"{PREFIX}{IN_KMS[0]}=aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias, which may come to mean "
        "another key",
    )


def _number(name: str) -> int:
    number = name.rpartition("_")[2]
    return int(number) if number.isdigit() else 1


def _numbers(environment: Mapping[str, str], name: str, home: Path) -> set[str]:
    variable = re.compile(rf"{PREFIX}{name}_(?!ACTIVE$|FILE$)(.+?)(?:_FILE)?")
    file = re.compile(rf"{name.lower()}_({VERSION})")
    numbers = {match[1] for path in (home / "keys").glob("*") if (match := file.fullmatch(path.name))}
    for text, value in environment.items():
        if value and (match := variable.fullmatch(text)):
            if not re.fullmatch(VERSION, match[1]):
                raise SettingsError(
                    "that is no version of a key",
                    where=text,
                    remedy=f"versions are {PREFIX}{name}, {PREFIX}{name}_2, {PREFIX}{name}_3 and so on",
                )
            numbers.add(match[1])
    return numbers


def read_secret(environment: Mapping[str, str], name: str, root: Path, home: Path) -> tuple[str, str]:
    """The secret `name`, and what holds it; both empty where nothing does. Raises SettingsError for a file that cannot
    be read, or is empty."""
    value, file = environment.get(PREFIX + name), environment.get(f"{PREFIX}{name}_FILE")
    if value:
        return value, PREFIX + name
    if file:
        where = f"{PREFIX}{name}_FILE={file}"
        return _read(root / file, where, name), where
    own = key_file(home, name)
    return (_read(own, str(own), name), str(own)) if own.is_file() else ("", "")


def _read(path: Path, where: str, name: str) -> str:
    remedy = f"write the key into that file, or set {PREFIX}{name}"
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"cannot read the key file: {reason}", where=where, remedy=remedy) from error
    if not key:
        raise SettingsError("the key file is empty", where=where, remedy=remedy)
    return key
