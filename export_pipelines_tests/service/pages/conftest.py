import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from export_pipelines.ledger import ApiKeys
from export_pipelines.project import Project
from export_pipelines.sample import generate_leads
from export_pipelines_tests.service.serving import Served, daemon, make_keys, make_project, serving

DAYS, LEADS = 12, 600
HOSTILE = "<script>alert('export')</script>"
TEXAS = """\
description: "<script>alert('export')</script>"
owner: boss
type: lead
format: csv
fields: [lead_id, submitted_at, state, price]
partition: daily
schedule: daily at 02:00
start: 2024-01-01
filter: {rules: [{lhv: state, op: is equal to, rhv: TX}]}
deliver:
  - folder: {path: "{{export}}/{{date}}"}
"""
NOWHERE = """\
description: To a folder that cannot be made
owner: boss
type: lead
format: csv
fields: [lead_id, state]
partition: daily
start: 2024-01-01
deliver:
  - folder: {path: /proc/nowhere}
"""


@pytest.fixture(scope="package")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with access.yaml over leads of the last days, with Dagster's daemon; shared by all tests of the page."""
    folder = tmp_path_factory.mktemp("paged")
    source = f"sqlite:///{folder / 'leads.db'}"
    generate_leads(source, LEADS, 7, datetime.now(UTC).date() - timedelta(days=DAYS), DAYS, events=True)
    environment = make_project(folder / "project", source)
    exports = folder / "project" / "exports"
    (exports / "texas.yaml").write_text(TEXAS)
    (exports / "nowhere.yaml").write_text(NOWHERE)
    (exports / "broken.yaml").write_text("type: lead\nformat: csv\nfields: [emial]\n")
    project = Project.open(folder / "project", dict(environment))
    keys = make_keys(project)
    with (
        serving(folder / "project", environment) as (url, _),
        daemon(folder / "project", environment),
    ):
        yield Served(url, project, environment, keys)


@pytest.fixture
def another_key(paged: Served) -> str:
    """Another key of boss."""
    return ApiKeys(paged.project.ledger.engine).new(
        "boss", timedelta(days=1), datetime.now(UTC), secrets.token_bytes(32)
    )
