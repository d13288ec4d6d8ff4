"""The windows of an export, alone and in one pass."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import Manifest, Store
from export_pipelines.mask.keys import Keys
from export_pipelines.one_pass import PassWindow, write_in_one_pass
from export_pipelines.orchestration import write_windows as writing
from export_pipelines.plan import Plan, compile_plan
from export_pipelines.plan.one_pass import query_of_pass, span
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.window import window_of
from export_pipelines.project import Project as Opened
from export_pipelines.run.first_rows import FirstRows
from export_pipelines_tests.orchestration.project import now
from export_pipelines_tests.run.heard import Heard
from export_pipelines_tests.run.whole_run import token

KEYS = Keys.from_bytes(b"hash key of the tests, of no secret", b"master key of the tests, not secret")
FIRST, LAST = date(2024, 1, 28), date(2024, 2, 3)  # three days without leads at the end
OF_A_RUN = {"artifact", "created_at", "digest", "seconds", "schema_version", "schema_changed"}
HEAD = "type: lead\nowner: operations\npartition: daily\nstart: 2024-01-01\n"
FIELDS = "fields: [lead_id, submitted_at, email, first_name, phone_1, dob, dob.age, price, custom]\n"
MASKED = "privacy: {email: hash, phone_1: mask, first_name: tokenize, direct: redact, sensitive: redact, indirect: redact}\n"
EXPORTS = {
    "csv.gz": "format: csv\ncompression: gzip\n" + FIELDS,
    "masked": "format: csv\ncompression: gzip\nfields: all\n" + MASKED,
    "ndjson by rows": "format: ndjson\ncompression: zstd\nsplit: {rows: 3}\n" + FIELDS,
    "json by bytes": "format: json\ncompression: gzip\nsplit: {bytes: 64 kB}\n" + FIELDS,
    "parquet": "format: parquet\n" + FIELDS,
    "xlsx": "format: xlsx\n" + FIELDS,
    "nothing for empty days": "format: csv\nskip_empty: true\n" + FIELDS,
    "filtered": "format: csv\nfilter: {rules: [{lhv: email, op: includes, rhv: a}]}\n" + FIELDS,
    "without the time": "format: csv\nfields: [lead_id, price]\n",
}


def days(first: date = FIRST, last: date = LAST) -> list[str]:
    return [str(first + timedelta(number)) for number in range((last - first).days + 1)]


def plans_of(opened: Opened, keys: list[str]) -> tuple[list[Plan], Query | None]:
    definition = opened.definition("daily")
    requests = [
        replace(opened.request(definition, window_of(definition, key)), keys=KEYS.names) for key in keys
    ]
    plans = [compile_plan(request) for request in requests]
    return plans, query_of_pass(
        plans, compile_plan(replace(requests[0], window=span(plans), reads_time=True))
    )


def context_of(opened: Opened, store: Store) -> RunContext:
    return RunContext(opened.source(), store, KEYS, now)


def alone(opened: Opened, plans: list[Plan], store: Store) -> list[Manifest]:
    return [run_export(plan, context_of(opened, store), token(number)) for number, plan in enumerate(plans)]


def together(opened: Opened, plans: list[Plan], query: Query, store: Store) -> list[Any]:
    windows = [PassWindow(plan, token(number), Heard(), FirstRows(5)) for number, plan in enumerate(plans)]
    return list(write_in_one_pass(windows, query, context_of(opened, store)))


def content(store: Store, manifest: Manifest) -> tuple[dict[str, Any], dict[str, bytes]]:
    files = {}
    for part in manifest.parts:
        with store.open(manifest.artifact, part.name) as file:
            files[part.name] = file.read()
    return manifest.as_delivered().model_dump(exclude=OF_A_RUN, exclude_unset=True), files


def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows each pass that is begun has."""
    sizes: list[int] = []

    def counted(windows: Any, query: Any, context: Any) -> Any:
        sizes.append(len(windows))
        return write_in_one_pass(windows, query, context)

    monkeypatch.setattr(writing, "write_in_one_pass", counted)
    return sizes
