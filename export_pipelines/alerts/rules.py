"""Who is told when an export fails, is late or looks odd, and who gets the audit's checkpoints: `alerts.yaml`, read with the
line of every fault."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from export_pipelines.definition.destinations.address import MailAddress
from export_pipelines.definition.destinations.s3 import BucketName, Endpoint
from export_pipelines.definition.destinations.secret import Secret
from export_pipelines.definition.destinations.webhook import OPENED_BY
from export_pipelines.definition.one_of import OneOf, one_of
from export_pipelines.definition.operator_file import read_operator_file
from export_pipelines.definition.words import Count, fault

Occasion = Literal["failure", "late", "anomaly"]
LATE_AFTER_HOURS = 6.0  # from the schedule's time, where no rule says another
_Model = ConfigDict(frozen=True, extra="forbid")


class Channel(BaseModel):
    """Settings of one channel, an entry under `to:`."""

    model_config = _Model

    kind: ClassVar[str]


class EmailChannel(Channel):
    """A mail to each address, by the server of EXPORT_PIPELINES_SMTP_URL unless `smtp` names another."""

    kind: ClassVar[str] = "email"

    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    smtp: Secret | None = None


class SlackChannel(Channel):
    """An incoming webhook of Slack, or of what understands the same."""

    kind: ClassVar[str] = "slack"
    MOVED: ClassVar[Mapping[str, str]] = {"allow_private": OPENED_BY}

    url: Secret
    ca: str | None = None


class WebhookChannel(Channel):
    """JSON by POST: kind, export, text, then, noticed_at; signed when `secret` is given."""

    kind: ClassVar[str] = "webhook"
    MOVED: ClassVar[Mapping[str, str]] = {"allow_private": OPENED_BY}

    url: Secret
    secret: Secret | None = None
    ca: str | None = None


CHANNELS: Mapping[str, type[Channel]] = {
    settings.kind: settings for settings in (EmailChannel, SlackChannel, WebhookChannel)
}


class CheckpointBucket(Channel):
    """Each checkpoint is an object of its own below `prefix`. With `lock_days`, in a bucket with object lock, nobody can
    change or delete it before so many days are over."""

    kind: ClassVar[str] = "s3"

    bucket: BucketName
    prefix: str = ""
    lock_days: Annotated[Count, Field(le=36_500)] | None = None
    endpoint_url: Endpoint | None = None
    region: str | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None
    ca: str | None = None


CHECKPOINT_PLACES: Mapping[str, type[Channel]] = {
    settings.kind: settings for settings in (CheckpointBucket, WebhookChannel)
}
_CHANNEL, _PLACE = OneOf("channel", CHANNELS), OneOf("place", CHECKPOINT_PLACES)
if TYPE_CHECKING:
    WrittenChannel = Channel  # what the validators make of it
    WrittenPlace = Channel
else:
    WrittenChannel = Annotated[one_of(_CHANNEL), AfterValidator(lambda written: _CHANNEL.read(written)[1])]
    WrittenPlace = Annotated[one_of(_PLACE), AfterValidator(lambda written: _PLACE.read(written)[1])]


class AlertRule(BaseModel):
    """`exports` are globs of names; `late_after_hours` counts from the schedule's time."""

    model_config = _Model

    exports: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    on: Annotated[tuple[Occasion, ...], Field(min_length=1)] = ("failure", "late", "anomaly")
    late_after_hours: Annotated[float, Field(gt=0)] = LATE_AFTER_HOURS
    to: Annotated[tuple[WrittenChannel, ...], Field(min_length=1)]

    def concerns(self, export: str, occasion: Occasion) -> bool:
        return occasion in self.on and any(fnmatchcase(export, glob) for glob in self.exports)


class WrittenAlerts(BaseModel):
    model_config = _Model

    alerts: Annotated[tuple[AlertRule, ...], Field(min_length=1)] = ()
    checkpoints: Annotated[tuple[WrittenPlace, ...], Field(min_length=1)] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.alerts and not self.checkpoints:
            raise fault("the file says nothing: write `alerts`, `checkpoints` or both")
        return self


def load_alerts(path: Path) -> tuple[AlertRule, ...]:
    """The rules of the file; none without one. Raises DefinitionError with every fault and its line."""
    return read_operator_file(path, WrittenAlerts).alerts if path.exists() else ()


def checkpoint_places(path: Path) -> tuple[Channel, ...]:
    """Where checkpoints of the audit are sent by the file. Raises DefinitionError."""
    return read_operator_file(path, WrittenAlerts).checkpoints if path.exists() else ()


def late_after_hours(rules: Iterable[AlertRule], export: str) -> float | None:
    """The shortest time after which somebody wants to hear that `export` is late; None when nobody does."""
    return min((rule.late_after_hours for rule in rules if rule.concerns(export, "late")), default=None)
