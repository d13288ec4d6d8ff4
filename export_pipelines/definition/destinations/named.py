"""What a destination names that is not the author's to give away: variables, files, folders, hosts, buckets, mail domains."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.yaml.lines import Key

Kind = Literal["variables", "files", "folders", "hosts", "buckets", "mail_domains"]


class Named(NamedTuple):
    """`key` is the setting below the destination that names it."""

    key: Key
    kind: Kind
    name: str


def secrets_in(value: Any, key: Key = ()) -> Iterator[Named]:
    """The variables and files of every SecretName inside of `value`."""
    if isinstance(value, SecretName):
        yield Named(key, "variables", value.env) if value.env else Named(key, "files", str(value.file))
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from secrets_in(getattr(value, name), (*key, field.alias or name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from secrets_in(item, (*key, name))


def files_in(**files: str | None) -> Iterator[Named]:
    """The files that plain settings name."""
    return (Named((key,), "files", file) for key, file in files.items() if file is not None)
