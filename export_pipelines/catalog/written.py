"""A catalog's YAML as people write it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from export_pipelines.catalog.snapshot import WrittenSnapshot


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class WrittenField(_Written):
    """A field as the YAML has it; all is optional because a catalog that extends names only what differs."""

    type: str | None = None
    column: str | None = None
    path: str | None = None
    label: str | None = None
    group: str | None = None
    pii: str | None = None
    required: bool | None = None
    scale: int | None = None
    stored_as: str | None = None
    query: list[str] | None = None
    description: str | None = None


class WrittenJoin(_Written):
    table: str
    key: str
    on: str


class WrittenStream(_Written):
    transaction: str | None = None
    publication: str | None = None
    key: str | None = None
    binlog: bool | None = None
    change: str | None = None


class WrittenDataset(_Written):
    table: str | None = None
    window: str | None = None
    order: list[str] | None = None
    joins: dict[str, WrittenJoin | None] = {}
    fields: dict[str, WrittenField | None] = {}
    custom: dict[str, WrittenField | None] = {}
    appended: dict[str, WrittenField | None] = {}
    snapshot: WrittenSnapshot | None = None
    stream: WrittenStream | None = None


class WrittenCatalog(_Written):
    extends: Literal["shipped"] | None = None
    datasets: dict[str, WrittenDataset]
