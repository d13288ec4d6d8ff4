"""From an entry of `deliver:` to the destination that fulfils it, by the table of kinds."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from export_pipelines.definition.delivery import KINDS
from export_pipelines.delivery.destination import Destination
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import RequestError, not_installed, unknown
from export_pipelines.yaml.faults import plain_faults

# Each module is imported when its kind is first opened: boto3 and paramiko take a second.
MODULES: Mapping[str, str] = {
    "folder": "folder.destination",
    "email": "email.destination",
    "sftp": "sftp.destination",
    "s3": "s3.destination",
    "webhook": "webhook.destination",
    "download": "download",
}
EXTRAS: Mapping[str, str] = {"paramiko": "sftp", "boto3": "s3", "botocore": "s3"}  # library -> extra


def open_destination(entry: Mapping[str, Any], resources: Resources) -> Destination:
    """The destination of `entry`, `{"kind": ..., "settings": {...}}` as it stands in a plan.

    Connects to nothing. Raises RequestError for wrong settings and for what the operator's allowed.yaml, read now, does not
    allow; SettingsError for a secret that is not there.
    """
    kind = str(entry.get("kind"))
    if kind not in MODULES:
        raise RequestError(unknown("kind of destination", kind, MODULES), where="deliver")
    try:
        settings = KINDS[kind].model_validate(entry.get("settings") or {})
    except ValidationError as error:
        faults = "; ".join(text for _, text in plain_faults(error, KINDS[kind]))
        raise RequestError(  # pydantic's own text repeats the input
            faults,
            where=f"deliver.{kind}",
            remedy="mend the export; what waits for delivery then goes by: export-pipelines deliver ARTIFACT",
        ) from None
    for named in settings.named():
        resources.demand(named.kind, named.name, ".".join(map(str, ("deliver", kind, *named.key))))
    try:
        module = import_module(f"export_pipelines.delivery.{MODULES[kind]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name not in EXTRAS:
            raise
        raise not_installed(error.name, EXTRAS[error.name], f"deliver.{kind}") from None
    opened: Callable[[Any, Resources], Destination] = module.open_from
    return opened(settings, resources)
