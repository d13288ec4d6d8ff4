"""What the settings of all kinds have in common."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from export_pipelines.definition.destinations.named import Named, secrets_in
from export_pipelines.definition.in_plans import StoredEntry
from export_pipelines.definition.words import fault
from export_pipelines.templates import FOLDER_WORDS, template_faults

if TYPE_CHECKING:
    from export_pipelines.definition.destinations.encryption import Encryption

Overwrite = Literal["replace", "never", "version"]
Seconds = Annotated[float, Field(gt=0, le=600)]  # to wait for the other side to move


class DestinationSettings(BaseModel):
    """Settings of one kind of destination: an entry of `deliver:`.

    `place` names the setting that is a template of where files go, `words` what it may hold. A kind without one, such
    as mail, holds no files that a later delivery could replace. `server()` tells equal places apart; `names_files()`
    says whether the place is that of each file, not of their folder. `later` names settings that earlier releases did not
    have: one with its default is left out of the stored entry, so that it stays the same delivery.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    later: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[str | None] = None
    words: ClassVar[frozenset[str]] = FOLDER_WORDS

    def template(self) -> str | None:
        """Of where files go; None for a kind that holds none."""
        return None if self.place is None else str(getattr(self, self.place))

    def placed_at(self, template: str) -> Self:
        """The same, with files at another place."""
        return self if self.place is None else self.model_copy(update={self.place: template})

    def replaces(self) -> Overwrite:
        """What becomes of another artifact's files at the place."""
        return "replace"

    def stored(self) -> StoredEntry:
        """As it stands in plans and in the ledger, with every setting filled in."""
        fields = type(self).model_fields
        left_out = {name for name in self.later if getattr(self, name) == fields[name].get_default()}
        return {
            "kind": self.kind,
            "settings": self.model_dump(mode="json", by_alias=True, exclude=left_out),
        }

    @property
    def gives_downloads(self) -> bool:
        """Whether it lets somebody fetch the files from the store, for which a role needs more."""
        return False

    @property
    def file_encryption(self) -> "Encryption | None":
        """How the files are encrypted before they leave; None where they are not."""
        return None

    def server(self) -> str:
        return ""

    def reaches(self) -> tuple[str, ...]:
        """The places that the `destinations` of a role in access.yaml are held against. One that nobody can tell is "",
        which `*` alone allows."""
        return ("",)

    def names_files(self) -> bool:
        return False

    def named(self) -> Iterator[Named]:
        """What the operator's allowed.yaml has a say in; what a secret holds is known when it is resolved."""
        return secrets_in(self)


def _folder_path(value: str) -> str:
    for text in template_faults(value, FOLDER_WORDS):
        raise fault(text)
    if not value.strip() or ".." in value.replace("\\", "/").split("/"):
        raise fault('a folder is expected, without ".."; for example "{{export}}/{{date}}"')
    if value.startswith("~"):
        raise fault("a folder that begins with ~ is not filled in; write the folder out in full")
    return value


FolderPath = Annotated[str, AfterValidator(_folder_path)]
