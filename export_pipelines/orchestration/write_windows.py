"""The windows of a run are written: adjacent ones from one pass over the source where they may share it, all others one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import dagster as dg

from export_pipelines.artifact_of_run import RunContext
from export_pipelines.artifacts import Manifest
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Delivery
from export_pipelines.one_pass import PassBroken, PassWindow, write_in_one_pass
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.deliveries_beside import DeliveriesBeside
from export_pipelines.orchestration.edges import Fault, Written
from export_pipelines.orchestration.preview import ROWS, previews_of
from export_pipelines.orchestration.request_progress import RequestProgress
from export_pipelines.orchestration.run_tags import ASKED_BY, FULL_TAG, REQUEST_TAG
from export_pipelines.orchestration.taken_over import WrittenBefore, resumed_runs
from export_pipelines.orchestration.unregistered import UnregisteredArtifacts
from export_pipelines.pipeline import record_failure, register, write_window
from export_pipelines.plan import STEP, Plan, PlanDraft, PlanRequest, bind, compile_plan, window_in
from export_pipelines.plan.one_pass import adjacent, query_of_pass, span
from export_pipelines.plan.query.query import Query
from export_pipelines.project import Project
from export_pipelines.read.source import OutOfOrder
from export_pipelines.run.first_rows import FirstRows
from export_pipelines.run.memory import trim_heap
from export_pipelines.run.observer import Observer, Observers


class WindowWriter:
    """Writes the windows of `drafts` in a run of Dagster's; `observers` hear of them, by their keys. A fault of one window is
    data: the others go on, and the last op names the failed ones."""

    def __init__(
        self,
        context: dg.OpExecutionContext,
        location: CodeLocation,
        drafts: Sequence[PlanDraft],
        observers: Mapping[str, Observer],
    ) -> None:
        self.context, self.location, self.observers = context, location, observers
        self.project = location.project
        self.drafts = {window_in(draft).key: draft for draft in drafts}
        self.actor = context.run.tags.get(ASKED_BY)
        self.first_rows: dict[str, FirstRows] = {}  # of windows that are written, by their keys

    def write(self) -> list[Written]:
        """What came of each window, in the order of the drafts."""
        plans: list[Plan] = []
        written: dict[str, Written] = {}
        for key, draft in self.drafts.items():
            try:
                plan = whole_plan(draft, self.project)
                before = self._before(plan)
            except ExportError as error:
                written[key] = self._failed(key, error)
                continue
            if before:
                written[key] = before
            else:
                plans.append(plan)
        with DeliveriesBeside(self.context, self.project, list(self.drafts)) as beside:
            for result in written.values():
                beside.ended(result)
            for group in adjacent(plans):
                results = {}
                for result in self._group(group):
                    beside.ended(result)
                    results[result.window.key] = result
                if len(group) > 1:  # what a pass took goes back before the records of its windows are made
                    trim_heap()
                written |= self._with_previews(group, results)
        return [beside.with_outcome(written[key]) for key in self.drafts]

    def _before(self, plan: Plan) -> Written | None:
        """What the run wrote in whose place this one is."""
        self._unregistered.remove(plan.extract.window.key)
        before = self._written_before.of(plan.extract.window, plan)
        if before:
            self.context.log.info(
                f"{before.window.key}: {before.artifact} was written before the run was cut off"
            )
        return before

    @cached_property
    def _written_before(self) -> WrittenBefore:
        export = next(iter(self.drafts.values())).export
        runs = resumed_runs(self.context.instance, self.context.run)
        return WrittenBefore(self.project, export, min(self.drafts), runs)

    @cached_property
    def _unregistered(self) -> UnregisteredArtifacts:
        export = next(iter(self.drafts.values())).export
        return UnregisteredArtifacts(
            self.project, export, min(self.drafts), self.context.instance, self.context.run
        )

    def _group(self, plans: Sequence[Plan]) -> Iterator[Written]:
        """What came of each plan of a group. Where a pass breaks off, the next window is written alone and a new pass begins
        behind it; if rows do not come in the order of the windows, all others are written alone too."""
        in_order = True
        while plans:
            query = self._query(plans) if in_order else None
            ended = 0
            for result in self._pass(plans, query) if query else ():
                if isinstance(result, PassBroken):
                    in_order = not isinstance(result.cause, OutOfOrder)
                    self._say_broken(plans[ended:], result)
                    break
                ended += 1
                yield result
            yield from map(self._alone, plans[ended : ended + 1])
            plans = plans[ended + 1 :]

    def _say_broken(self, plans: Sequence[Plan], broken: PassBroken) -> None:
        left = f"{plans[0].extract.window.key} to {plans[-1].extract.window.key}"
        text = f"the pass broke off ({broken}); {left} are read anew, in another snapshot of the source"
        self.context.log.warning(text)

    def _query(self, plans: Sequence[Plan]) -> Query | None:
        """The query of a pass over all windows; None where they are read one by one."""
        if len(plans) < 2:
            return None
        request = request_of(self.drafts[plans[0].extract.window.key], self.project)
        try:
            whole = compile_plan(replace(request, window=span(plans), reads_time=True))
        except ExportError:
            return None
        return query_of_pass(plans, whole)

    def _pass(self, plans: Sequence[Plan], query: Query) -> Iterator[Written | PassBroken]:
        project, began = self.project, self.project.now()
        windows = [
            PassWindow(plan, project.new_token(), self._observers(plan), FirstRows(ROWS)) for plan in plans
        ]
        context = project.run_context().of_run(self.context.run_id, project.ledger)
        try:
            for window, result in zip(windows, write_in_one_pass(windows, query, context), strict=False):
                if isinstance(result, PassBroken):
                    yield result
                    return
                ended = project.now()
                yield self._ended(window, result, context, (ended - began).total_seconds())
                began = ended
        except ExportError as error:  # of source or store, not of a window
            yield PassBroken(error)

    def _ended(
        self, window: PassWindow, result: Manifest | ExportError, context: RunContext, seconds: float
    ) -> Written:
        """A window of a pass, once its records are in the ledger."""
        plan = window.plan
        records = context, self.project.ledger, self.actor
        if isinstance(result, ExportError):
            record_failure(plan, result, *records)
            return self._failed(plan.extract.window.key, result)
        try:
            due = register(plan, result, *records, self.context.run_id)
        except ExportError as error:
            return self._failed(plan.extract.window.key, error)
        return self._written(plan, result, due, seconds, window.first_rows)

    def _alone(self, plan: Plan) -> Written:
        project, run, first_rows = self.project, self.context.run, FirstRows(ROWS)
        started = project.now()
        try:
            manifest, due = write_window(
                plan,
                project.run_context(),
                project.ledger,
                project.new_token(),
                self._observers(plan),
                self.actor,
                run.run_id,
                first_rows,
                full=run.tags.get(FULL_TAG) == "yes",
            )
        except ExportError as error:
            return self._failed(plan.extract.window.key, error)
        return self._written(plan, manifest, due, (project.now() - started).total_seconds(), first_rows)

    def _written(
        self,
        plan: Plan,
        manifest: Manifest,
        due: tuple[Delivery, ...],
        seconds: float,
        first_rows: FirstRows,
    ) -> Written:
        self.first_rows[plan.extract.window.key] = first_rows
        return Written(
            export=plan.export,
            window=plan.extract.window,
            artifact=manifest.artifact,
            deliver=tuple(delivery.id for delivery in due),
            seconds=round(seconds, 3),
        )

    def _with_previews(self, plans: Sequence[Plan], written: Mapping[str, Written]) -> dict[str, Written]:
        """The same, with previews of the rows of windows that were written."""
        first = {key: self.first_rows.pop(key) for key in written if key in self.first_rows}
        if not first:
            return dict(written)
        shown = [plan for plan in plans if plan.extract.window.key in first]
        previews = dict(zip(first, previews_of(shown, self.project, list(first.values())), strict=True))
        return {
            key: result.model_copy(update={"preview": previews.get(key, "")})
            for key, result in written.items()
        }

    def _failed(self, key: str, error: ExportError) -> Written:
        draft = self.drafts[key]
        self.context.log.error(f"{key}: {error}")
        return Written(
            export=draft.export,
            window=window_in(draft),
            fault=Fault.of(error),
            draft=draft.model_dump(mode="json"),
        )

    def _observers(self, plan: Plan) -> Observers:
        observer, run = self.observers[plan.extract.window.key], self.context.run
        asked_for = run.root_run_id or run.run_id  # this one may be in its place
        asked = REQUEST_TAG in run.tags  # over HTTP
        progress = [RequestProgress(self.project.export_requests, asked_for)] if asked else []
        return Observers(self.location.observer, observer, *progress)


def whole_plan(draft: PlanDraft, project: Project) -> Plan:
    """The plan, with what its query compares with personal fields, which no edge carries."""
    request = request_of(draft, project)
    return bind(STEP["write"](draft, request), request).whole()


def request_of(draft: PlanDraft, project: Project) -> PlanRequest:
    """What the draft is made from, with the rights that its people have now."""
    definition = project.definition(draft.export, draft.overrides)
    return project.request_of(draft.rights.asker if draft.rights else None, definition, window_in(draft))
