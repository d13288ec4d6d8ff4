"""Streams before they run: their plans, what they name, and with a connection how new rows are found and whether the sink is there."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from export_pipelines.access import Policy
from export_pipelines.catalog import Catalog
from export_pipelines.check.destinations import unset_variables
from export_pipelines.check.fault import CheckFault, faults_of
from export_pipelines.definition import ExportDefinition
from export_pipelines.delivery import Resources
from export_pipelines.errors import ExportError
from export_pipelines.plan import PlanRequest
from export_pipelines.plan.rights import with_rights
from export_pipelines.plan.window import WHOLE
from export_pipelines.settings import Settings


def stream_faults(
    definitions: Iterable[ExportDefinition],
    settings: Settings,
    catalog: Catalog,
    policy: Policy | None,
    now: Callable[[], datetime],
    resources: Resources,
    connect: bool,
) -> Iterator[CheckFault]:
    """Source and sink are asked only with `connect`."""
    for definition in definitions:
        try:
            request = PlanRequest(definition, WHOLE, catalog, settings.dialect, settings.key_names)
            request = with_rights(request, policy, None, "create", now())
            yield from _faults(request, settings, resources, now, connect)
        except ExportError as error:
            yield from faults_of(definition.name, error)


def _faults(
    request: PlanRequest,
    settings: Settings,
    resources: Resources,
    now: Callable[[], datetime],
    connect: bool,
) -> Iterator[CheckFault]:
    from export_pipelines.streaming.plannable import require_plannable

    require_plannable(request, resources)
    definition = request.definition
    stream = definition.stream
    assert stream
    yield from unset_variables(definition, ("stream", stream.kind), stream.sink.named(), resources)
    if not connect:
        return
    from export_pipelines.read.open_source import open_source
    from export_pipelines.streaming.prepare import prepare
    from export_pipelines.streaming.sink import Envelope
    from export_pipelines.streaming.sinks.open_sink import open_sink

    url = settings.source_url.get_secret_value()
    prepared = prepare(request, url, resources)
    name = definition.name
    how = f"{name}: new rows are found by {prepared.mechanism.name}: {prepared.mechanism.reason}"
    yield CheckFault(name, "warning" if prepared.mechanism.settle_s else "note", how)
    horizon = prepared.horizon(open_source(url))
    try:
        horizon.check()
    finally:
        horizon.close()
    sink = open_sink(prepared.plan, prepared.stream.sink, Envelope(name, 1), resources)
    try:
        sink.check()
    finally:
        sink.close()
