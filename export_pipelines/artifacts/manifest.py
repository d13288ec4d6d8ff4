"""The manifest: JSON that lists the parts. No manifest, no artifact."""

import builtins
import hashlib
import json
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.errors import DamagedArtifact
from export_pipelines.plan.frozen import Frozen
from export_pipelines.plan.plan import Mask, Window

MANIFEST_NAME = "manifest.json"
ROW_DIGESTS_NAME = ".row_digests"
FORMAT_VERSION = 1  # a higher one means something else by a key of before; new keys need none
NO_ACCESS_FILE: dict[str, object] = {"access": "one operator may do everything"}  # without access.yaml
STORE_ALONE = {"sealed_bytes", "sealed_sha256", "sealed_as"}
REMEMBERED_BYTES = 8192  # of a manifest; of larger ones only some are remembered, since they take much memory
RERUN = "run the export again for this window; the source still holds the rows"


class Stored(Frozen):
    """What later releases may have added is kept and not asked about."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Part(Stored):
    """One finished file as it is delivered: its name, rows, bytes, bytes before compression, SHA-256, its window.

    `sealed_bytes` and `sealed_sha256` are of what lies in the store, where that is sealed; `sealed_as` is its name there,
    where it is not the part's own. In a manifest that was delivered with encrypted files, `plain_name`, `plain_bytes` and
    `plain_sha256` are of the part once it is opened.
    """

    name: str
    rows: int
    bytes: int
    raw_bytes: int
    sha256: str
    window: Window
    sealed_bytes: int | None = None
    sealed_sha256: str | None = None
    plain_name: str | None = None
    plain_bytes: int | None = None
    plain_sha256: str | None = None
    sealed_as: str | None = Field(default=None, exclude_if=lambda name: name is None)

    @property
    def stored_name(self) -> str:
        return self.sealed_as or self.name

    @property
    def stored_bytes(self) -> int:
        return self.bytes if self.sealed_bytes is None else self.sealed_bytes

    @property
    def stored_sha256(self) -> str:
        return self.sealed_sha256 or self.sha256


class DeliveredEncryption(Stored):
    """How the delivered files were encrypted: to these fingerprints (pgp) or recipients (age)."""

    method: Literal["pgp", "age"]
    recipients: tuple[str, ...]
    signed_by: str | None = None


class ColumnStatistics(Stored):
    """Of the values of a column, before a format spells them; what its kind does not have is None. `smallest`, `largest` and
    `sum` are numbers and times as the files spell them; without a value there are none."""

    nulls: int
    empty: int | None = None  # texts without a character
    longest_characters: int | None = None
    longest_bytes: int | None = None  # of UTF-8
    smallest: str | None = None
    largest: str | None = None
    sum: str | None = None


class ManifestColumn(Stored):
    """What a reader of the files relies on: `name` in a table, `path` in an object. `statistics` are there unless the column
    is of a personal class, masked or redacted, or of an earlier release."""

    name: str
    id: str
    path: tuple[str, ...] = ()
    kind: Kind
    scale: int | None = None
    pii: PiiClass
    mask: Mask | None = None
    statistics: ColumnStatistics | None = Field(
        default=None, exclude_if=lambda statistics: statistics is None
    )


class Changes(Stored):
    """Of `mode: changes`: how the rows of the files make the set of rows out of the one that the artifact `since` made, or, where
    there is none, are the full set, and `full` says why. `key` names the column that tells rows apart.

    `series` is that of the plan, `number` counts artifacts since the last full set, `set_rows` the rows of the new set;
    `definition` is a digest of what the export asked for, whatever the window.
    """

    series: str
    key: str
    since: str | None = None
    full: str | None = None
    number: int = 0
    added: int
    changed: int = 0
    removed: int = 0
    set_rows: int
    definition: str

    @property
    def text(self) -> str:
        """In one line, for people."""
        if self.since is None:
            return f"full set: {self.full}"
        return f"{self.added:,} added, {self.changed:,} changed, {self.removed:,} removed since {self.since}"


class Manifest(Stored):
    """One artifact, whole. `seconds` is wall time by stage (extract, encode, store).

    `digest` is the SHA-256 of all the rest as it is stored, so that an edited manifest is found out, and that one which
    another release wrote is not taken for edited; `with_digest()` sets it. A manifest without `format_version` is of format 1.
    """

    format_version: int = FORMAT_VERSION
    artifact: str  # "<export>/<window key>/<id>", also its folder in the store
    export: str
    type: str
    created_at: AwareDatetime
    window: Window
    fingerprint: str = ""  # of what it holds, see plan/fingerprint.py; empty in what earlier releases made
    plan_hash: str = ""  # not told any more; earlier releases refuse a manifest of format 1 without the key
    schema_hash: str
    schema_version: int
    version: int = Field(  # of the columns as the export releases them to readers
        default=1, exclude_if=lambda version: version == 1
    )
    schema_changed: bool = False  # columns differ from those of the artifact before
    format: str
    options: dict[str, object] = Field(default_factory=dict)
    media_type: str
    codec: str
    columns: tuple[ManifestColumn, ...]
    removed: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = Field(  # versions of the keys behind hashes and tokens: HASH_KEY_2:1a2b3c4d
        default=(), exclude_if=lambda ids: not ids
    )
    overrides: tuple[str, ...] = ()  # keys of the filter that the launch gave, for this run alone
    rights: dict[str, object] = Field(
        default_factory=dict
    )  # whose the run had: RightsUsed, or NO_ACCESS_FILE
    notes: tuple[str, ...] = ()  # of a report: its time basis, and what could not be told
    rows: int
    bytes: int
    raw_bytes: int
    null_required: dict[str, int] = Field(default_factory=dict)  # required column -> rows in which it is null
    bad_json: dict[str, int] = Field(  # column -> values that did not parse and became null
        default_factory=dict, exclude_if=lambda value: not value
    )
    masked_values: int = 0
    neutralised_cells: int = 0  # cells that spreadsheet_safe prefixed
    # of columns that have statistics: column -> values of CSV or TSV that a reader may take for null
    like_null: dict[str, int] = Field(default_factory=dict, exclude_if=lambda value: not value)
    # of columns that have statistics: column -> numbers and times that a sheet of XLSX holds as text
    as_text: dict[str, int] = Field(default_factory=dict, exclude_if=lambda value: not value)
    seconds: dict[str, float] = Field(default_factory=dict)
    encryption: DeliveredEncryption | None = None  # of files that were delivered encrypted; never in a store
    recipes: tuple[str, ...] = Field(  # of these readers, delivered beside the parts
        default=(), exclude_if=lambda readers: not readers
    )
    parts: tuple[Part, ...]
    recipe_files: tuple[Part, ...] = Field(  # as they were delivered; never in a store
        default=(), exclude_if=lambda files: not files
    )
    lead_index: Part | None = Field(  # which leads it holds; its rows are their marks
        default=None, exclude_if=lambda index: index is None
    )
    changes: Changes | None = Field(default=None, exclude_if=lambda changes: changes is None)
    row_digests: Part | None = Field(  # of the set of rows, by which the next run knows what has changed
        default=None, exclude_if=lambda digests: digests is None
    )
    digest: str = ""

    @property
    def files(self) -> tuple[Part, ...]:
        """Everything that lies in the store beside the manifest: the parts, and those of the store alone."""
        return (*self.parts, *filter(None, (self.lead_index, self.row_digests)))

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    @property
    def is_sealed(self) -> bool:
        """Whether the files are sealed where they are stored."""
        return any(file.sealed_sha256 for file in self.files)

    @property
    def set_rows(self) -> int:
        """Rows of the whole set, of which the files of `mode: changes` hold what has changed."""
        return self.changes.set_rows if self.changes else self.rows

    @property
    def is_usual(self) -> bool:
        """Whether it holds what the definition says, with no override and nothing narrowed for whoever asked."""
        return not self.overrides and not self.rights.get("narrowed")

    def as_delivered(self) -> Self:
        """Without what is true of the store alone: the same before and after an artifact was sealed where it lies."""
        if not self.is_sealed and self.files == self.parts:
            return self
        parts = tuple(
            Part.model_validate(part.model_dump(exclude_unset=True, exclude=STORE_ALONE))
            for part in self.parts
        )
        own = {"lead_index": None, "row_digests": None}
        return self.model_copy(update={"parts": parts, **own}).with_digest()

    def with_digest(self) -> Self:
        """The same manifest with its digest."""
        return self.model_copy(update={"digest": self._digest()})

    def to_json(self) -> builtins.bytes:
        """The manifest file, to the byte: with its digest, readable, equal for equal manifests."""
        return (self.with_digest().model_dump_json(indent=2, exclude_unset=True) + "\n").encode()

    @classmethod
    def from_json(cls, data: builtins.bytes, where: str) -> Self:
        """The manifest in `data`; `where` names it in errors. Raises DamagedArtifact when cut, edited or of a format to come."""
        content = _object_in(data, where)
        if content.get("digest") != _digest(content):
            raise DamagedArtifact(
                "the manifest was changed: its digest does not match", where=where, remedy=RERUN
            )
        version = content.get("format_version", FORMAT_VERSION)
        if version != FORMAT_VERSION:
            raise DamagedArtifact(
                f"the manifest has format {version}, this release reads format {FORMAT_VERSION}",
                where=where,
                remedy="read it with the release of export_pipelines that wrote it, or a later one",
            )
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise DamagedArtifact(
                f"the manifest cannot be read ({error.error_count()} faults)", where=where, remedy=RERUN
            ) from error

    @classmethod
    def of(cls, artifact: str, data: builtins.bytes) -> "Manifest":
        """The manifest that lies in the store as that of `artifact`. Raises DamagedArtifact."""
        return (_remembered if len(data) <= REMEMBERED_BYTES else _recent)(artifact, data)

    def _digest(self) -> str:
        return _digest(self.model_dump(mode="json", exclude_unset=True))


def _stored(artifact: str, data: bytes) -> Manifest:
    where = f"{artifact}/{MANIFEST_NAME}"
    manifest = Manifest.from_json(data, where)
    if manifest.artifact != artifact:
        raise DamagedArtifact(f"the manifest is that of {manifest.artifact}", where=where, remedy=RERUN)
    return manifest


# a run reads those that it has written, and those before, again and again
_remembered, _recent = lru_cache(maxsize=512)(_stored), lru_cache(maxsize=40)(_stored)


def _object_in(data: bytes, where: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DamagedArtifact("the manifest cannot be read: it is no JSON object", where=where, remedy=RERUN)
    return content


def _digest(content: dict[str, Any]) -> str:
    digested = {name: value for name, value in content.items() if name != "digest"}
    return hashlib.sha256(json.dumps(digested, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
