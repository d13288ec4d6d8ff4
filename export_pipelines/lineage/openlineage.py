"""OpenLineage: an event when a run starts, and one when it is complete or has failed. They name tables, columns and counts;
none has a value of a row, and of an error it says no more than its kind."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache

from openlineage.client import event_v2 as events
from openlineage.client import facet_v2 as facets
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from openlineage.client.uuid import generate_new_uuid

from export_pipelines.catalog import Catalog
from export_pipelines.errors import ExportError
from export_pipelines.lineage.places import Places
from export_pipelines.lineage.sender import Sender
from export_pipelines.lineage.source_columns import Feed, feeds_of
from export_pipelines.plan.plan import Mask, OutputColumn, Plan, iso
from export_pipelines.plan.window import WHOLE_KEY
from export_pipelines.run.observer import Deaf, Run
from export_pipelines.run.statistics import Written

log = logging.getLogger(__name__)

PRODUCER = "urn:export-pipelines"
NAMESPACE = "export_pipelines"  # of jobs
TIMEOUT_S = 2.0  # to connect, and to answer
RunFacets = dict[str, facets.RunFacet]
Described = tuple[str, str | None, str | None]  # name, type and description of a column


@cache
def sender_to(url: str, key: str | None) -> Sender[events.RunEvent]:
    """That of this process for the server."""
    auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
    transport = HttpTransport(HttpConfig(url=url, timeout=TIMEOUT_S, auth=auth, retry={"total": 0}))
    return Sender(transport.emit)


class RunEvents(Deaf):
    """The events of one run of `plan`."""

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        places: Places,
        sender: Sender[events.RunEvent],
        now: Callable[[], datetime],
    ) -> None:
        self.plan, self.places, self.sender, self.now = plan, places, sender, now
        dataset = catalog.dataset(plan.extract.dataset)
        self.dataset = dataset.model_copy(update={"window": plan.extract.window_field})
        self.run_id = str(generate_new_uuid())
        self.artifact = ""

    def started(self, run: Run) -> None:
        self.artifact = run.artifact
        self._put(events.RunState.START, lambda: [self._output(self.plan.masking.columns)])

    def finished(self, written: Written) -> None:
        self._put(events.RunState.COMPLETE, lambda: [self._written(written)])
        self.sender.wait()

    def failed(self, error: BaseException) -> None:
        code = error.code if isinstance(error, ExportError) else "error"
        message = facets.error_message_run.ErrorMessageRunFacet(f"{code}: {type(error).__name__}", "PYTHON")
        self._put(events.RunState.FAIL, list, {"errorMessage": message})
        if isinstance(error, Exception):  # who interrupts a run does not wait
            self.sender.wait()

    def _put(
        self,
        state: events.RunState,
        outputs: Callable[[], list[events.OutputDataset]],
        more: RunFacets | None = None,
    ) -> None:
        """Lineage never ends a run, whatever becomes of it."""
        try:
            self.sender.put(self._event(state, outputs(), more or {}))
        except Exception as error:
            log.warning("lineage not sent", extra={"fault": type(error).__name__})

    def _event(
        self, state: events.RunState, outputs: list[events.OutputDataset], more: RunFacets
    ) -> events.RunEvent:
        kind = facets.job_type_job.JobTypeJobFacet("BATCH", "EXPORT_PIPELINES", "EXPORT")
        return events.RunEvent(
            eventType=state,
            eventTime=iso(self.now()),
            run=events.Run(self.run_id, {**self._nominal_time(), **more}),
            job=events.Job(NAMESPACE, self.plan.export, {"jobType": kind}),
            inputs=self._inputs(),
            outputs=outputs,
            producer=PRODUCER,
        )

    def _nominal_time(self) -> RunFacets:
        window = self.plan.extract.window
        if window.key == WHOLE_KEY:
            return {}
        return {
            "nominalTime": facets.nominal_time_run.NominalTimeRunFacet(iso(window.start), iso(window.end))
        }

    def _inputs(self) -> list[events.InputDataset]:
        feeds = dict.fromkeys(feed for column in self.plan.masking.columns for feed in self._feeds(column))
        tables = dict.fromkeys([self.plan.extract.table, *(feed.table for feed in feeds)])
        return [
            events.InputDataset(
                self.places.source,
                self.places.table(table),
                facets={
                    "schema": _schema((feed.column, None, None) for feed in feeds if feed.table == table)
                },
            )
            for table in tables
        ]

    def _written(self, written: Written) -> events.OutputDataset:
        output = self._output(written.columns)
        statistics = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=written.rows,
            size=sum(part.bytes for part in written.parts),
            fileCount=len(written.parts),
        )
        version = facets.dataset_version_dataset.DatasetVersionDatasetFacet(self.artifact)
        output.facets = {**(output.facets or {}), "version": version}
        output.outputFacets = {"outputStatistics": statistics}
        return output

    def _output(self, columns: tuple[OutputColumn, ...]) -> events.OutputDataset:
        lineage = facets.column_lineage_dataset
        fields = {
            column.header: lineage.Fields([self._input_field(feed, column) for feed in self._feeds(column)])
            for column in columns
        }
        return events.OutputDataset(
            self.places.store,
            self.places.export(self.plan.export),
            facets={
                "schema": _schema((column.header, _type(column), _remarks(column)) for column in columns),
                "columnLineage": lineage.ColumnLineageDatasetFacet(fields),
            },
        )

    def _feeds(self, column: OutputColumn) -> tuple[Feed, ...]:
        return feeds_of(column.id, self.dataset, self.plan.report.over if self.plan.report else None)

    def _input_field(self, feed: Feed, column: OutputColumn) -> facets.column_lineage_dataset.InputField:
        hidden = column.mask not in (None, Mask.KEEP)
        same = not (hidden or column.component or self.plan.report)
        transformation = facets.column_lineage_dataset.Transformation(
            "DIRECT",
            "IDENTITY" if same else "AGGREGATION" if self.plan.report else "TRANSFORMATION",
            _remarks(column) or "",
            hidden,
        )
        return facets.column_lineage_dataset.InputField(
            self.places.source, self.places.table(feed.table), feed.column, [transformation]
        )


def _schema(columns: Iterable[Described]) -> facets.schema_dataset.SchemaDatasetFacet:
    field = facets.schema_dataset.SchemaDatasetFacetFields
    return facets.schema_dataset.SchemaDatasetFacet(
        [field(name, type, description) for name, type, description in columns]
    )


def _type(column: OutputColumn) -> str:
    return str(column.kind) if column.scale is None else f"{column.kind}({column.scale})"


def _remarks(column: OutputColumn) -> str | None:
    """What is done to the values, and whom they concern."""
    remarks = [str(column.mask)] if column.mask else []
    remarks += [f"the component {column.component}"] if column.component else []
    remarks += [f"pii {column.pii}"] if column.is_personal else []
    return ", ".join(remarks) or None


events.set_producer(PRODUCER)
