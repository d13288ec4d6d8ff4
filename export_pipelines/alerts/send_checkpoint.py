"""Sending a checkpoint of the audit to one place of `alerts.yaml`: a bucket, or a webhook."""

import base64
import hashlib
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from export_pipelines.alerts import rules
from export_pipelines.alerts.channels import webhook_client
from export_pipelines.delivery.resources import Resources
from export_pipelines.delivery.s3.destination import access_of
from export_pipelines.delivery.webhook.destination import JSON, signed, signing_key
from export_pipelines.delivery.webhook.http_client import Body, HttpClient, utc_seconds
from export_pipelines.s3 import Bucket, open_bucket

log = logging.getLogger(__name__)

WHERE = "alerts.yaml checkpoints"


class Place(Protocol):
    """send: takes a signed note of so many entries and gives the place that has it; raises ExportError where it did not
    arrive."""

    def send(self, note: str, size: int, at: datetime) -> str: ...


def open_place(settings: rules.Channel, resources: Resources) -> Place:
    """The place of one entry under `checkpoints:`. Raises SettingsError for a secret that is not there."""
    match settings:
        case rules.CheckpointBucket():
            bucket = open_bucket(settings.bucket, access_of(settings, resources, WHERE))
            return _InBucket(bucket, settings)
        case rules.WebhookChannel():
            key = signing_key(settings.secret, resources, WHERE)
            return _ByPost(webhook_client(settings, resources), key)
    raise TypeError(f"nothing sends checkpoints to a {settings.kind}")


@dataclass(frozen=True)
class _InBucket:
    bucket: Bucket
    settings: rules.CheckpointBucket

    def send(self, note: str, size: int, at: datetime) -> str:
        data = note.encode()
        options: dict[str, Any] = {"ContentType": "text/plain"}
        if self.settings.lock_days:
            digest = hashlib.md5(data, usedforsecurity=False).digest()
            options |= {
                "ObjectLockMode": "COMPLIANCE",
                "ObjectLockRetainUntilDate": at + timedelta(days=self.settings.lock_days),
                "ContentMD5": base64.b64encode(digest).decode(),  # S3 requires a checksum with a lock
            }
        key = f"{self.settings.prefix}checkpoint-{size}-{at:%Y%m%dT%H%M%SZ}.txt"
        self.bucket.put(key, data, options)
        return self.bucket.url(key)


@dataclass(frozen=True)
class _ByPost:
    client: HttpClient
    key: bytes | None = field(repr=False)

    def send(self, note: str, size: int, at: datetime) -> str:
        payload = {
            "type": "audit.checkpoint",
            "timestamp": at.isoformat(),
            "data": {"size": size, "note": note},
        }
        body = Body([json.dumps(payload).encode()])
        id = hashlib.sha256(note.encode()).hexdigest()[:32]
        headers = signed(self.key, id, utc_seconds(at), iter(body.again()))
        self.client.post(body, {"Content-Type": JSON, **headers})
        return self.client.place
