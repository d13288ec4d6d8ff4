"""access.yaml as a frozen model: roles with what they may do and to what extent, principals with their roles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from export_pipelines.definition.export import ExportType, MaskWord
from export_pipelines.definition.words import Count, Day, Flag
from export_pipelines.errors import Denied, RequestError, unknown
from export_pipelines.yaml.lines import Document

Permission = Literal["view", "create", "download", "admin"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
EXPORT_TYPES: tuple[ExportType, ...] = get_args(ExportType)
TEAM = "team:"
Some = Field(min_length=1)
Names = tuple[Annotated[str, Some], ...]


class Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Destinations(Written):
    """Globs of the places that files may be delivered to; a kind that is left out is not allowed.

    email: addresses; s3: bucket/key; sftp: hosts; webhook: URLs; folder: paths; kinesis, firehose: names of streams.
    """

    email: Names = ()
    s3: Names = ()
    sftp: Names = ()
    webhook: Names = ()
    folder: Names = ()
    kinesis: Names = ()
    firehose: Names = ()
    download: Flag = False


class Scope(Written):
    """How far a role reaches; what is left out is not narrowed."""

    flows: Annotated[Names, Some] | None = None
    types: Annotated[tuple[ExportType, ...], Some] = EXPORT_TYPES
    pii: dict[str, MaskWord] | None = None
    days_back: Annotated[Count, Field(le=36_500)] | None = None
    max_rows: Count | None = None
    min_group: Annotated[Count, Field(gt=1)] | None = None
    destinations: Destinations | None = None


class Role(Written):
    permissions: Annotated[tuple[Permission, ...], Some]
    scope: Scope = Scope()


class Principal(Written):
    """`members` are those of a team, who have its roles too; `expires` is the last day, in UTC."""

    roles: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    expires: Day | None = None

    def is_expired(self, day: date) -> bool:
        return self.expires is not None and day > self.expires


class WrittenPolicy(Written):
    """The file's two keys."""

    roles: Annotated[dict[str, Role], Some]
    principals: Annotated[dict[str, Principal], Some]


@dataclass(frozen=True)
class Policy:
    """`file` is how errors name access.yaml, `sha256` its digest; `document` knows the lines of its keys."""

    roles: Mapping[str, Role]
    principals: Mapping[str, Principal]
    document: Document = field(repr=False, compare=False)
    file: str = "access.yaml"
    sha256: str = field(default="", compare=False)

    def at(self, *key: str) -> str:
        """`access.yaml:7`, the place of `key`, or of the nearest key around it."""
        return f"{self.file}:{self.document.line(key)}"

    def knows(self, name: str) -> bool:
        return name in self.principals or any(
            name in principal.members for principal in self.principals.values()
        )

    def names(self) -> list[str]:
        """Principals and members of teams, in the order of the file."""
        names = dict.fromkeys(self.principals)
        for principal in self.principals.values():
            names.update(dict.fromkeys(principal.members))
        return list(names)

    def sources_of(self, name: str, at: datetime) -> Iterator[tuple[str, str]]:
        """Each role that `name` has on that day, with the principal that gives it: itself first, then its teams.

        A role comes once. What is expired, and what lies behind an expired team, gives none.
        """
        seen, seen_roles, open_names = set[str](), set[str](), [name]
        while open_names:
            text = open_names.pop(0)
            principal = self.principals.get(text)
            seen.add(text)
            if principal and principal.is_expired(at.date()):
                continue
            for role in principal.roles if principal else ():
                if role not in seen_roles:
                    seen_roles.add(role)
                    yield role, text
            open_names += [
                team for team, its in self.principals.items() if text in its.members and team not in seen
            ]

    def require_known(self, name: str, where: str = "") -> None:
        """Raises Denied for a name that the file does not have."""
        if not self.knows(name):
            raise Denied(
                unknown("principal", name, self.names(), f"principals in {self.file}"),
                where=where,
                remedy=f"name one that {self.file} knows, or add it there",
            )


def asker_of(policy: Policy | None, name: str | None, user: str) -> str | None:
    """Who asks: the `name` given by --as, else the system's `user`. None without a policy. Raises Denied for a name that the policy
    does not know, and for a team, which does not ask; RequestError for a name where there is no policy."""
    if policy is None:
        if name is None:
            return None
        raise RequestError(
            f'--as "{name}" names a principal, and there is no access.yaml that knows any',
            remedy="write access.yaml, or leave --as out",
        )
    if name is None and not policy.knows(user):
        raise Denied(
            f'{policy.file} does not know the user "{user}"',
            remedy="say who asks: --as NAME",
        )
    name = name or user
    policy.require_known(name)
    if name.startswith(TEAM):
        raise Denied(f'"{name}" is a team, and teams do not ask', remedy="name one of its members")
    return name
