"""What tests of several rooms share: a small sample store, and a project of one's own around it."""

import gc
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from typer.testing import CliRunner

from export_pipelines import logs
from export_pipelines.cli import app as cli
from export_pipelines.key_versions import PREFIX
from export_pipelines.sample import generate_leads
from export_pipelines.settings import Settings
from export_pipelines_servers.mariadb import mariadb
from export_pipelines_servers.postgresql import postgresql
from export_pipelines_tests.ledger_template import copy_new_ledgers
from export_pipelines_tests.memory_disk import forget_memory, use_memory
from export_pipelines_tests.preloaded import start_template, use_template
from export_pipelines_tests.scheduling import UnitScheduling, rank

TIMES = int(os.environ.get("EXAMPLES", "1"))  # EXAMPLES=10 in the environment tries ten times as many


def examples(usual: int) -> int:
    """How many examples hypothesis tries where it usually is so many."""
    return usual * TIMES


hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=examples(25))
hypothesis.settings.load_profile("repeatable")

# a home or a key of whoever runs the tests is no part of them; `make` sets some
for name in [name for name in os.environ if name.startswith(PREFIX) or name == "DAGSTER_HOME"]:
    del os.environ[name]
use_memory()

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
# rooms whose tests run Dagster or talk to servers
SLOW_ROOMS = ("cli", "delivery", "orchestration", "privacy", "servers")
# models, searches over many cases, files of other programs, streams that last and imports that wait for one another, which
# take two and a half minutes between them
LONG_FILES = (
    "access/test_inference.py",
    "access/test_model.py",
    "mask/test_prefilter.py",
    "mask/test_prefilter_signs.py",
    "mask/test_recognise.py",
    "frames/test_read_back.py",
    "importer/test_imports_at_once.py",
    "one_pass/test_artifacts.py",
    "run/test_round_trip.py",
    "read/test_source_contract.py",
    "streaming/sinks/test_sink_contract.py",
    "streaming/test_stream.py",
    "transform/report/test_numbers.py",
)
SLOW_MODULES = (
    *("dagster", "export_pipelines_faults", "export_pipelines_servers", "multiprocessing", "subprocess"),
    *(
        "export_pipelines_tests.delivery.receivers",
        "export_pipelines_tests.preloaded",
        "export_pipelines_tests.shell",
    ),
    "export_pipelines_tests.service.serving",
    "export_pipelines_tests.streaming.horizons",
)
# fixtures, and parameters of fixtures, that start a server; and the command line, which runs Dagster
SERVICES = ("paged", "served", "alone")  # each with processes of its own, until its package's tests are over
SLOW_FIXTURES = {
    *SERVICES,
    "postgresql_url",
    "logical_url",
    "mariadb_url",
    "postgresql",
    "mariadb",
    "another",
    "s3",
    "sealed s3",
    "terminal",
}
NEW_OBJECTS = 50_000  # before Python looks for garbage among them
gc.disable()  # until all tests are collected, which all stay
LEADS, DAYS, SEED, FIRST_DAY = 400, 40, 7, date(2024, 1, 1)
# the last complete day is 2024-02-04, of the sample's 40 days the 35th
NOW = datetime(2024, 2, 5, 8, 30, tzinfo=UTC)
KEYS = ("HASH_KEY", "HASH_KEY_2", "HASH_KEY_ACTIVE", "MASTER_KEY", "MASTER_KEY_2", "MASTER_KEY_ACTIVE")
VARIABLES = ("HOME", "SOURCE_URL", "STORE_URL", "DEFINITIONS", "CATALOG", *KEYS, "DAGSTER")
DAILY = """\
description: Leads of a day
type: lead
format: csv
fields: [lead_id, submitted_at, email, state, revenue]
partition: daily
schedule: daily at 02:00
start: 2024-01-01
privacy: {email: mask}
deliver:
  - folder: {path: "{{export}}/{{date}}"}
"""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of `make test-fast`: rooms without a fast test are not even imported."""
    is_fast = config.getoption("markexpr") == "fast"
    return True if is_fast and collection_path.parent == HERE and collection_path.name in SLOW_ROOMS else None


def pytest_configure_node(node: Any) -> None:
    """Of each worker of pytest-xdist: all of them have their processes forked from one template, that of who starts them."""
    node.workerinput["template"] = start_template()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        use_template(config.workerinput["template"])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> UnitScheduling:
    return UnitScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests of `make test-fast`: short ones that start no server, no process and no Dagster."""
    for item in items:
        if isinstance(item, pytest.Function) and not _is_slow(item):
            item.add_marker("fast")
    if hasattr(config, "workerinput"):  # the scheduler keeps the order of the workers
        items.sort(key=lambda item: rank(item.nodeid))


def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK:  # what a test that failed has left is kept, until the next run
        forget_memory()


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests and the libraries stay; to look for garbage among them takes a tenth of the time
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    copy_new_ledgers()
    if "dagster" in sys.modules:
        from export_pipelines_tests import dagster_storage

        dagster_storage.read_migrations_once()
        dagster_storage.keep_engines()
        dagster_storage.print_what_ops_print_afterwards()


def _is_slow(item: pytest.Function) -> bool:
    file = item.path.relative_to(HERE)
    room = file.parts[0]
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    named = {*item.fixturenames, *(value for value in values if isinstance(value, str))}
    return (
        room in SLOW_ROOMS
        or file.as_posix() in LONG_FILES
        or bool(SLOW_FIXTURES & named)
        or _imports_slow(item.module)
    )


@cache
def _imports_slow(module: ModuleType) -> bool:
    """Whether the module has one of SLOW_MODULES, or something out of it, among its names."""
    homes = (
        value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
        for value in vars(module).values()
    )
    return any(f"{home}.".startswith(f"{slow}.") for home in homes for slow in SLOW_MODULES)


@dataclass(frozen=True)
class Answer:
    """What a command of the terminal said."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Project:
    """A folder with exports/ and dagster.yaml; state goes below `home`, leads come from the shared store."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment, self.folder)

    def write(self, name: str, text: str = DAILY) -> Path:
        """An export in exports/."""
        path = self.folder / "exports" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def tree(self, ledger: bool = True) -> dict[str, str]:
        """Every file of the project with the digest of its bytes; without the `ledger`, which has the audit, if asked."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file() and (ledger or not path.name.startswith("ledger.db"))
        }


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """400 sample leads over 40 days from 2024-01-01; read it only."""
    url = f"sqlite:///{tmp_path_factory.mktemp('source') / 'leads.db'}"
    generate_leads(url, LEADS, SEED, FIRST_DAY, DAYS)
    return url


@pytest.fixture
def project(tmp_path: Path, store_url: str) -> Project:
    """A project with the export `daily`."""
    folder = tmp_path / "project"
    (folder / "exports").mkdir(parents=True)
    (folder / "dagster.yaml").write_bytes((REPOSITORY / "dagster.yaml").read_bytes())
    project = Project(folder, {f"{PREFIX}HOME": str(folder / "home"), f"{PREFIX}SOURCE_URL": store_url})
    project.write("daily")
    return project


@pytest.fixture
def terminal(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Calls the command line in `project`, at NOW, with the project's environment and nothing of ours."""
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(cli, "clock", lambda: NOW)
    monkeypatch.setenv("COLUMNS", "200")
    if "dagster" in sys.modules:
        from export_pipelines_tests.dagster_storage import make_with_storage

        monkeypatch.setattr("export_pipelines.orchestration.instance.make_folder", make_with_storage)
    for name in (
        "DAGSTER_HOME",
        *(PREFIX + name for name in VARIABLES),
        *(f"{PREFIX}{name}_FILE" for name in VARIABLES),
    ):
        monkeypatch.setenv(name, "")  # so that what a run sets is taken away again
        monkeypatch.delenv(name)

    def call(*arguments: str) -> Answer:
        for name, value in project.environment.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of a PostgreSQL server that lives as long as these tests."""
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A database of a MariaDB server that lives as long as these tests."""
    with mariadb() as url:
        yield url


@pytest.fixture(autouse=True)
def no_instance_of_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster asks the instance that was entered last for the state of definitions. Contexts leave theirs when they are
    collected, in any order, and may leave a dead one behind; our definitions have no such state."""
    if "dagster" in sys.modules:
        from dagster._core.storage.defs_state.base import DefsStateStorage

        monkeypatch.setattr(DefsStateStorage, "get", classmethod(lambda _: None))


@pytest.fixture
def quiet_afterwards() -> Iterator[None]:
    logger = logging.getLogger(logs.PROGRAM)
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])
