"""Which tests one worker runs, and which come first. The tests of a file stay together, because its fixtures are made once;
so do the files that share a service. pytest-xdist 3.8 would do it by marks, but groups nothing with pytest 9.2."""

from xdist.scheduler import LoadScopeScheduling

HOME = "export_pipelines_tests/"
# the beginnings of the paths of files that share a service, until its last test is over
TOGETHER = {
    "service/pages/test_open_id_settings": "pages",
    "service/pages/test_open_id": "sign-in",
    "service/pages/": "pages",
    "service/test_hardening": "alone",
    "service/test_hostile_clients": "alone",
    "service/test_openapi": "alone",
    "service/test_many_requests": "many requests",
    "service/test_bucket": "bucket",
    "service/": "served",
}
# what takes longest goes first, so that no worker is left alone with it at the end
LONGEST = (
    *("pages", "served"),
    "transform/report/test_numbers.py",  # beside two services
    "alone",
    "streaming/test_stream_processes.py",  # both of these wait most of the time
    "delivery/test_faults.py",
    "many requests",
    "streaming/horizons/test_contract.py",
    "read/test_source_contract.py",
    "cli/test_interrupted_runs.py",
    "read/test_databases_agree.py",
    "privacy/test_canaries.py",
    "artifacts/test_store_contract.py",
    "sign-in",
    "test_readme.py",
    "test_new_project.py",
    "test_interrupts.py",
    "orchestration/test_kill_ticks.py",
    "orchestration/test_run_launcher.py",
    "servers/test_ending.py",
)


def unit(nodeid: str) -> str:
    """The name of what is run by one worker without a break: a group of files, or a file."""
    file = nodeid.partition("::")[0].removeprefix(HOME)
    return next((name for start, name in TOGETHER.items() if file.startswith(start)), file)


def rank(nodeid: str) -> int:
    """The place of a test among all, to sort by: units of LONGEST in their order, then all others."""
    name = unit(nodeid)
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker a unit where that of xdist gives it a class or a module."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
