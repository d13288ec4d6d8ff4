"""A short campaign finds nothing, and what is broken on purpose is found.

FAULTS=100 in the environment lets so many faults happen instead of six."""

import os
from collections.abc import Iterator, Mapping
from random import Random

import pytest

from export_pipelines_faults.campaign import Campaign, campaign
from export_pipelines_faults.kinds import Injection, Kind, Twice
from export_pipelines_faults.mutations import MUTATIONS
from export_pipelines_faults.report import Report
from export_pipelines_faults.syscalls import NETWORK, AtCall
from export_pipelines_faults.trial import Outcome

FAULTS = int(os.environ.get("FAULTS", "6"))
CHEAP = ("store: ", "ledger: ", "destination: ", "process: ", "two at once: ")
COSTLY = {"source": "sqlite", "ledger": "sqlite", "store": "folder"}
SECONDS = 600.0


@pytest.fixture(scope="module")
def running() -> Iterator[Campaign]:
    with campaign(seed=7) as made:
        yield made


@pytest.fixture(autouse=True)
def unbroken(running: Campaign) -> None:
    running.mutation, running.fixed, running.scenes, running.kinds = "", {}, (), ()


def test_a_short_campaign_finds_no_violation(running: Campaign) -> None:
    running.scenes, running.fixed = ("export", "redelivery", "erasure", "seal"), {"to": "webhook"}
    running.kinds = [kind.name for kind in running.taking_part() if _is_cheap(kind)]
    report = Report()
    for trial in running.trials(FAULTS, SECONDS):
        report.add(trial)
        assert trial.violations == [], report.line(trial, running.seed)
    assert report.faults == FAULTS


def _is_cheap(kind: Kind) -> bool:
    """Whether it needs no database server and no bucket."""
    return kind.name.startswith(CHEAP) and all(
        COSTLY.get(name, values[0]) in values for name, values in kind.setting
    )


def at(place: str, fault: str, *shares: float) -> list[tuple[Injection, ...]]:
    return [(AtCall(place, fault, share),) for share in shares]


FINDS: Mapping[str, tuple[str, Mapping[str, str], list[tuple[Injection, ...]]]] = {
    "parts that are not durable": (
        "export",
        {"to": ""},
        at("store", "power cut, data lost", 0.86, 0.9, 0.94, 0.98),
    ),
    "the manifest before the parts": ("export", {"to": ""}, at("store", "killed", 0.8, 0.88, 0.94, 0.98)),
    "a delivery without intent": (
        "export",
        {"to": "email"},
        at("ledger", "killed", *(0.78 + n * 0.01 for n in range(12))),
    ),
    "no lock of a delivery": ("redelivery", {"to": "email"}, [(Twice(),)] * 40),
    "a cursor before its records": (
        "stream",
        {"sink": "s3"},
        at(NETWORK, "killed", 0.96, 0.95, 0.94, 0.97, 0.92, *(0.99 - n * 0.02 for n in range(25))),
    ),
}


def test_each_mutation_has_faults_that_find_it() -> None:
    assert {"", *FINDS} == set(MUTATIONS)


@pytest.mark.parametrize("mutation", FINDS)
def test_what_is_broken_on_purpose_is_found(running: Campaign, mutation: str) -> None:
    scene, fixed, faults = FINDS[mutation]
    running.fixed, running.scenes = fixed, ()
    for number, injections in enumerate(faults):

        def draw(_: Random, injections: tuple[Injection, ...] = injections) -> tuple[Injection, ...]:
            return injections

        kind = Kind("on purpose", mutation, draw, (scene,))
        running.mutation = mutation
        broken = running.trial_of(kind, number)
        if broken.outcome is Outcome.VIOLATION:
            running.mutation = ""
            assert running.trial_of(kind, number).violations == []
            return
    raise AssertionError("it was not found")
