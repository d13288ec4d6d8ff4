from collections import defaultdict

import pytest

from export_pipelines_tests.conftest import SERVICES
from export_pipelines_tests.scheduling import HOME, LONGEST, TOGETHER, rank, unit


def test_files_that_share_a_service_are_one_unit(request: pytest.FixtureRequest) -> None:
    """Of the tests that were collected, in a whole run of all."""
    units: dict[str, set[str]] = defaultdict(set)
    for item in request.session.items:
        for service in {*SERVICES, "provider"}.intersection(getattr(item, "fixturenames", ())):
            units[service].add(unit(item.nodeid))
    assert {service: names for service, names in units.items() if len(names) > 1} == {}


def test_every_unit_of_the_lists_is_of_files_that_exist(request: pytest.FixtureRequest) -> None:
    home = request.config.rootpath / HOME
    files = [path.relative_to(home).as_posix() for path in home.rglob("test_*.py")]
    units = {unit(f"{HOME}{file}::test") for file in files}
    assert {*LONGEST, *TOGETHER.values()} - units == set()
    assert all(any(file.startswith(start) for file in files) for start in TOGETHER)


def test_the_longest_units_come_first() -> None:
    first, last = (f"{HOME}service/pages/test_pages.py::test", f"{HOME}plan/test_golden.py::test[a::b]")
    assert sorted([last, first], key=rank) == [first, last]
    assert unit(last) == "plan/test_golden.py"
