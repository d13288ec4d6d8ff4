"""What answers when it is asked: the source with its tables, indexes and clock, the ledger's clock, and the artifact store."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from export_pipelines.artifacts import open_store
from export_pipelines.catalog import Catalog
from export_pipelines.check.fault import LEDGER, SOURCE, STORE, CheckFault, faults_of
from export_pipelines.errors import ExportError
from export_pipelines.plan.plan import Plan
from export_pipelines.settings import Settings


def connection_faults(
    settings: Settings, catalog: Catalog, plans: Mapping[str, Plan]
) -> Iterator[CheckFault]:
    from export_pipelines.read.open_source import open_source

    url = settings.source_url.get_secret_value()
    for name, plan in plans.items():
        try:
            open_source(url).check(plan.query)
        except ExportError as error:
            yield from faults_of(name, error)
        else:
            yield from _index_faults(name, plan, catalog, url)


def _index_faults(name: str, plan: Plan, catalog: Catalog, url: str) -> Iterator[CheckFault]:
    """A window that no index finds makes every run read the whole table."""
    from export_pipelines.read.index_advice import has_index

    dataset = catalog.dataset(plan.extract.dataset)
    by_id = {field.id: field for field in dataset.fields}
    window = by_id[dataset.window]
    if window.path is None and "." not in window.column and not has_index(url, dataset.table, window.column):
        columns = ", ".join(by_id[id].column for id in dataset.order)
        yield CheckFault(
            name,
            "warning",
            f"no index of {dataset.table} begins with {window.column}, so each window reads the whole table; "
            f"an index on ({columns}) would find it",
        )


def clock_faults(settings: Settings, now: Callable[[], datetime]) -> Iterator[CheckFault]:
    from export_pipelines.read.clock_advice import clock_ahead

    ahead = clock_ahead(settings.source_url.get_secret_value(), now)
    if ahead:
        minutes, way = (
            round(abs(ahead) / timedelta(minutes=1)),
            "ahead of" if ahead > timedelta() else "behind",
        )
        yield CheckFault(
            SOURCE,
            "warning",
            f"the clock of the source is {minutes} minutes {way} ours: a window closes by ours, and rows whose times are "
            "told by the source's may still come into one that was exported; set both by a time server",
        )


def ledger_faults(settings: Settings, now: Callable[[], datetime]) -> Iterator[CheckFault]:
    """Makes no ledger where there is none."""
    from export_pipelines.ledger.clock import check_clock

    try:
        check_clock(settings.ledger_url.get_secret_value(), now)
    except ExportError as error:
        yield from faults_of(LEDGER, error)


def store_faults(settings: Settings, probe: str) -> Iterator[CheckFault]:
    try:
        with open_store(settings.store_url).begin("check", "connect", probe) as staging:
            staging.open_part("part").finish()
    except ExportError as error:
        yield from faults_of(STORE, error)
