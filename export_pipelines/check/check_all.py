"""All checks in order: a list of faults comes out, none hides another."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from export_pipelines.catalog import Catalog
from export_pipelines.check.access import policy_of
from export_pipelines.check.cluster import cluster_faults
from export_pipelines.check.contracts import contract_warnings
from export_pipelines.check.definitions import Sample, sample_of
from export_pipelines.check.destinations import alert_faults, allowed_notes, destination_faults
from export_pipelines.check.fault import ALLOWED, OTHERS, CheckFault, faults_of
from export_pipelines.check.source import clock_faults, connection_faults, ledger_faults, store_faults
from export_pipelines.check.streams import stream_faults
from export_pipelines.check.window_files import path_faults
from export_pipelines.definition import Loaded
from export_pipelines.definition.loader import crashed
from export_pipelines.delivery import Resources
from export_pipelines.errors import DefinitionError, ExportError
from export_pipelines.settings import Settings

log = logging.getLogger(__name__)


def check_all(
    settings: Settings,
    catalog: Catalog,
    loaded: Loaded,
    names: Sequence[str] | None = None,
    connect: bool = False,
    probe: str = "20000101T000000Z-000000",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    environment: Mapping[str, str] = os.environ,
) -> list[CheckFault]:
    """Every fault of the exports `names` of those `loaded`, or of all, in the order of their names.

    `connect` asks the source for each query's tables, an index and its clock, the ledger for its clock, every destination for the right to write, and the
    artifact store for room, as an artifact named `probe` that is not kept. Raises RequestError for an unknown name.
    """
    log.info("check started", extra={"connect": connect})
    asked = _asked(loaded, names)
    faults = [
        CheckFault(name, "error", text)
        for name, error in loaded.broken.items()
        if name in asked
        for text in error.faults
    ]
    policy, said = policy_of(settings, catalog)
    faults += said
    samples: dict[str, Sample] = {}
    for definition in loaded.definitions:
        try:
            samples[definition.name] = sample_of(definition, settings, catalog, policy, now())
        except ExportError as error:
            faults += faults_of(definition.name, error)
        except Exception as error:
            faults += faults_of(definition.name, crashed(f"{definition.path}:1", error))
    faults += path_faults(loaded, samples, settings)
    faults += cluster_faults(settings)
    chosen = [
        definition
        for definition in loaded.definitions
        if definition.name in asked and definition.name in samples
    ]
    for definition in chosen:
        if definition.readers:
            from export_pipelines.check.readers import reader_faults  # with the rooms that rows go through

            faults += reader_faults(definition, samples[definition.name].plan)
    faults += contract_warnings(chosen, samples, loaded, settings, connect)
    resources = Resources(settings, environment)
    try:
        faults += allowed_notes(resources)
    except DefinitionError as error:
        faults += [CheckFault(ALLOWED, "error", text) for text in error.faults]
    else:
        faults += destination_faults(chosen, resources, connect)
        faults += alert_faults(resources)
        streams = [definition for definition in loaded.streams if definition.name in asked]
        faults += stream_faults(streams, settings, catalog, policy, now, resources, connect)
    if connect:
        plans = {name: samples[name].plan for name in asked if name in samples}
        faults += connection_faults(settings, catalog, plans)
        faults += clock_faults(settings, now)
        faults += ledger_faults(settings, now)
        faults += store_faults(settings, probe)
    shown_faults = sorted(
        {fault for fault in faults if fault.name in asked or fault.name in OTHERS}, key=CheckFault.rank
    )
    for fault in shown_faults:
        log.debug("fault", extra={"of": fault.name, "severity": fault.severity})
    errors = sum(fault.severity == "error" for fault in shown_faults)
    log.info("check finished", extra={"exports": len(asked), "faults": len(shown_faults), "errors": errors})
    return shown_faults


def _asked(loaded: Loaded, names: Sequence[str] | None) -> set[str]:
    for name in names or ():
        loaded.require(name)
    return set(names or loaded.names)
