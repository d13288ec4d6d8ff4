"""Destinations and channels of alerts: what they name, what the operator allows, and what their servers say."""

from collections.abc import Iterable, Iterator

from export_pipelines.alerts.rules import checkpoint_places, load_alerts
from export_pipelines.catalog.load import shown
from export_pipelines.check.fault import ALERTS, ALLOWED, CheckFault
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.allowed import ANY
from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.secret import SecretName
from export_pipelines.delivery import Resources, open_destination
from export_pipelines.errors import DefinitionError, ExportError, SettingsError
from export_pipelines.yaml.lines import Key


def destination_faults(
    definitions: Iterable[ExportDefinition], resources: Resources, connect: bool
) -> Iterator[CheckFault]:
    """Secrets, keys and certificates that are not there; what a server says only when `connect` asks it."""
    for definition in definitions:
        for index, entry in enumerate(definition.deliver):
            faults = list(_refusals(definition, index, resources)) or list(
                unset_variables(definition, ("deliver", index, entry.kind), entry.named(), resources)
            )
            yield from faults
            if faults:
                continue
            try:
                destination = open_destination(entry, resources)
                if connect:
                    destination.check()
            except ExportError as error:
                yield CheckFault(definition.name, "error", f"{definition.at('deliver', index)}: {error}")


def _refusals(definition: ExportDefinition, index: int, resources: Resources) -> Iterator[CheckFault]:
    """What a destination names and the operator does not allow."""
    entry = definition.deliver[index]
    for named in entry.named():
        key = ("deliver", index, entry.kind, *named.key)
        refusal = resources.refusal(named.kind, named.name)
        if refusal:
            text = f"{definition.at(*key)}: {'.'.join(map(str, key))}: {refusal}"
            yield CheckFault(definition.name, "error", text)


def unset_variables(
    definition: ExportDefinition, key: Key, named: Iterable[Named], resources: Resources
) -> Iterator[CheckFault]:
    """Each variable that a destination or a sink, whose settings lie at `key`, names and nobody has set."""
    for setting, kind, name in named:
        if kind != "variables":
            continue
        where = (*key, *setting)
        try:
            resources.secret(SecretName(env=name), ".".join(map(str, where)))
        except SettingsError as error:
            yield CheckFault(definition.name, "error", f"{definition.at(*where)}: {error}")


def allowed_notes(resources: Resources) -> Iterator[CheckFault]:
    """Raises DefinitionError for a list that is wrong."""
    if resources.allowed is ANY:
        yield CheckFault(
            ALLOWED,
            "note",
            f"there is no {shown(resources.settings.allowed)}, so exports may name any variable, file, host, bucket and "
            "mail domain but the program's own variables and files",
        )


def alert_faults(resources: Resources) -> Iterator[CheckFault]:
    """What is wrong with who is told: the file, and secrets that are not there."""
    try:
        rules = load_alerts(resources.settings.alerts)
    except DefinitionError as error:
        yield from (CheckFault(ALERTS, "error", text) for text in error.faults)
        return
    for channel in (channel for rule in rules for channel in rule.to):
        from export_pipelines.alerts.channels import open_channel  # with what speaks HTTP and SMTP

        try:
            open_channel(channel, resources)
        except ExportError as error:
            yield CheckFault(ALERTS, "error", str(error))
    for place in checkpoint_places(resources.settings.alerts):
        from export_pipelines.alerts.send_checkpoint import open_place

        try:
            open_place(place, resources)
        except ExportError as error:
            yield CheckFault(ALERTS, "error", str(error))
