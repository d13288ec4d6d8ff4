"""One exportable column, and the components that its semantic type gives it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from export_pipelines.catalog.semantic_types import CURRENCY_SCALE, SEMANTIC_TYPES, Kind, SemanticType

# Components that may remain beside a masked value, and yet are the value itself where a filter names one.
WHOLE_VALUES = frozenset({("postal_code", "zip")})


class PiiClass(StrEnum):
    NONE = "none"
    INDIRECT = "indirect"
    SENSITIVE = "sensitive"
    DIRECT = "direct"

    @property
    def is_secret(self) -> bool:
        """May a value of this class not stand in a log, a plan or a record?"""
        return self is not PiiClass.NONE


PERSONAL_CLASSES = tuple(pii_class.value for pii_class in PiiClass if pii_class is not PiiClass.NONE)


class StoredAs(StrEnum):
    """How a database without a timestamp type (SQLite) holds a timestamp; all are UTC."""

    ISO = "iso"  # 2024-01-15T10:30:45.123Z
    SQL = "sql"  # 2024-01-15 10:30:45.123456, what SQLAlchemy's DateTime writes
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"


class Field(BaseModel):
    """One exportable column: `column` is `alias.column` or `column` of the dataset's table; with `path`,
    the value at that dotted path inside a JSON column. `scale` is the digits after the point of a decimal; `query`
    names the parameters (globs) that a redacted URL keeps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    type: str
    column: str
    label: str
    group: str
    path: str | None = None
    pii: PiiClass = PiiClass.NONE
    required: bool = False
    scale: int | None = None
    stored_as: StoredAs = StoredAs.ISO
    query: tuple[str, ...] = ()
    description: str = ""

    @property
    def semantic_type(self) -> SemanticType:
        return SEMANTIC_TYPES[self.type]

    @property
    def is_personal(self) -> bool:
        return self.pii is not PiiClass.NONE

    @property
    def compared(self) -> PiiClass:
        """The class of a value that a filter compares with it."""
        return self.pii

    @property
    def is_open(self) -> bool:
        """Personal data that people type: it needs a word of its own as soon as an export treats personal data."""
        return self.is_personal and self.semantic_type.open

    @property
    def kind(self) -> Kind:
        kind = self.semantic_type.kind
        return Kind.DECIMAL if kind is Kind.NUMBER and self.scale is not None else kind

    @property
    def decimal_scale(self) -> int | None:
        return CURRENCY_SCALE if self.type == "currency" else self.scale

    @property
    def components(self) -> tuple["Component", ...]:
        return tuple(Component(field=self, name=name) for name in self.semantic_type.components)


class Component(BaseModel):
    """A part of a field's value, `email.domain`; computed at export."""

    model_config = ConfigDict(frozen=True)

    field: Field
    name: str

    @property
    def id(self) -> str:
        return f"{self.field.id}.{self.name}"

    @property
    def label(self) -> str:
        return f"{self.field.label} {self.name.replace('_', ' ')}"

    @property
    def kind(self) -> Kind:
        return self.field.semantic_type.components[self.name]

    @property
    def remains(self) -> bool:
        """May be shown where the field itself is masked or left out as PII."""
        return self.name in self.field.semantic_type.remains

    @property
    def pii(self) -> PiiClass:
        return PiiClass.NONE if self.remains else self.field.pii

    @property
    def compared(self) -> PiiClass:
        """The class of a value that a filter compares with it."""
        return self.field.pii if (self.field.type, self.name) in WHOLE_VALUES else self.pii
