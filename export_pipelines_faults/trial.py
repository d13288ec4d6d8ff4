"""One trial: a world, work with a fault in it, what must hold, the work again without the fault, and what must hold then."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from export_pipelines_faults.acts import UNCLEAR
from export_pipelines_faults.invariants import artifacts_are_whole, damage_is_named, parts_are_whole
from export_pipelines_faults.kinds import Answers, AtRest, Injection, Kind, Meanwhile, OnTheWay, Twice
from export_pipelines_faults.processes import Ending, Running, WarmProcesses, Work
from export_pipelines_faults.scene import Act, Scene, nobody
from export_pipelines_faults.syscalls import AtCall
from export_pipelines_faults.world import World, environment_of
from export_pipelines_servers.fault_proxy import Fault

WORK_S = 90.0  # more than any wait of the program with the timeouts of these worlds
STALL_S = 4.0
CLEAR = (0, 1, 2, 130, 143)  # exit codes: done, failed, user action required, interrupted
# PostgreSQL's driver ends the process with this where a connection is cut at certain moments; the run is done again
ADBC_ABORTS = "basic_string::_S_construct null not valid"


class Outcome(StrEnum):
    """What came of the work that a fault happened in. MISSED: the work ended before the fault could happen."""

    AT_ONCE = "completed at once"
    BY_RETRY = "completed by retry"
    REFUSED = "refused with a clear error"
    UNKNOWN = "unknown, noted"
    VIOLATION = "violations"
    MISSED = "fault did not happen"


@dataclass
class Trial:
    """`number` and the campaign's seed make all of it again."""

    number: int
    kind: Kind
    scene: Scene
    world: World
    injections: Sequence[Injection]
    mutation: str = ""
    outcome: Outcome = Outcome.MISSED
    violations: list[str] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        faults = "; ".join(map(str, self.injections))
        return f"{self.kind.name}, in the scene {self.scene.name} with {_words(self.world)}: {faults}"


def _words(world: World) -> str:
    return ", ".join(f"{name} {value}" for name, value in vars(world.setting).items() if value)


class NotPrepared(Exception):
    """What should work without a fault does not."""


@dataclass
class Stage:
    """Where trials are run. `usual_s` is how long the work of a scene takes without a fault."""

    processes: WarmProcesses
    usual_s: dict[str, float] = field(default_factory=dict)

    def run(self, trial: Trial) -> None:
        began = time.monotonic()
        world, scene = trial.world, trial.scene
        try:
            scene.prepare(world, lambda act: self._without_fault(world, act))
            ending, struck = self._work(trial)
            trial.endings.append(ending)
            self._judge(trial, ending, struck)
        finally:
            trial.seconds = time.monotonic() - began

    def start(self, world: World, act: Act, faults: Sequence[AtCall] = (), mutation: str = "") -> Running:
        world.forget()
        work = Work(
            act[0], list(act[1]), str(world.folder), world.environment, world.places, faults, mutation
        )
        world.running = self.processes.start(work)
        return world.running

    def make_storage(self, folder: Path) -> None:
        """Makes Dagster's storage in the project in `folder`."""
        work = Work("make storage", (), str(folder), environment_of(folder), {})
        ending = self.processes.start(work).wait(WORK_S)
        if ending is None or not ending.ok:
            raise NotPrepared(f"no storage: {ending}")
        for said in (*folder.glob("said"), *folder.glob("report*")):
            said.unlink()

    def _without_fault(self, world: World, act: Act) -> Ending:
        ending = self.start(world, act).wait(WORK_S)
        if ending is None:
            raise NotPrepared(f"{act}: takes more than {WORK_S} s")
        return ending

    def _work(self, trial: Trial) -> tuple[Ending, bool]:
        world, scene = trial.world, trial.scene
        proxies = _begin_faults(trial)
        calls = [injection for injection in trial.injections if isinstance(injection, AtCall)]
        others = []
        running = self.start(world, scene.work(world), calls, trial.mutation)
        if any(isinstance(injection, Twice) for injection in trial.injections):
            others.append(self.start(world, scene.work(world), (), trial.mutation))
        in_time = False
        for injection in trial.injections:
            if isinstance(injection, Meanwhile):
                in_time |= not running.ended.wait(injection.share * self.usual_s.get(scene.name, 0.3))
                MEANWHILE[injection.action](world)
        endings = [self._ended(process, trial) for process in (running, *others)]
        struck = _end_faults(trial, proxies)
        for other in endings[1:]:
            if other.code not in CLEAR:
                trial.violations.append(f"the other process: {other.text}")
        ending = endings[0]
        at_rest = any(isinstance(injection, AtRest) for injection in trial.injections)
        happened = (struck, ending.was_killed, any(ending.struck), bool(others), in_time, at_rest)
        return ending, any(happened)

    def _ended(self, process: Running, trial: Trial) -> Ending:
        ending = self.ended(process, trial.scene, trial.world)
        if ending is None:
            trial.violations.append(f"the work did not end within {WORK_S:.0f} s")
            process.kill()
            ending = process.wait(10) or Ending(-9, WORK_S)
        return ending

    def ended(self, process: Running, scene: Scene, world: World) -> Ending | None:
        """How the work ended. Work that has a client ends when that is served, and as well as it was served."""
        if scene.client is nobody:
            return process.wait(WORK_S)
        why_not = scene.client(world)
        process.terminate()
        ending = process.wait(WORK_S)
        if ending is None or ending.was_killed or ending.code == UNCLEAR:
            return ending
        if why_not:
            return replace(ending, code=1, retryable=True, text=why_not)
        return replace(ending, code=0)

    def _judge(self, trial: Trial, ending: Ending, struck: bool) -> None:
        world, scene = trial.world, trial.scene
        damages = trial.kind.damages
        trial.violations += _broken(
            [*scene.at_once, damage_is_named if damages else parts_are_whole], world, "at once"
        )
        is_clear = ending.code in CLEAR or ending.was_killed or ADBC_ABORTS in world.said()
        if not is_clear:
            trial.violations.append(
                f"an unclear error, exit code {ending.code}: {ending.text or world.said()}"
            )
        again = self._again(trial)
        if not again.ok:
            trial.violations.append(f"not settled, exit code {again.code}: {again.text}")
        trial.violations += _broken(
            [*scene.settled, damage_is_named if damages else artifacts_are_whole], world, "in the end"
        )
        trial.outcome = _outcome(trial, ending, struck)

    def _again(self, trial: Trial) -> Ending:
        """Twice, if need be: what the first try met may pass."""
        ending = Ending(UNCLEAR, 0.0, "nothing was done again")
        for _ in range(2):
            running = self.start(trial.world, trial.scene.again(trial.world), (), trial.mutation)
            ending = self._ended(running, trial)
            trial.endings.append(ending)
            if ending.ok:
                break
        return ending


def _outcome(trial: Trial, ending: Ending, struck: bool) -> Outcome:
    if trial.violations:
        return Outcome.VIOLATION
    if not struck:
        return Outcome.MISSED
    if any(d.state == "uncertain" for d in trial.world.project.ledger.deliveries()):
        return Outcome.UNKNOWN
    if ending.ok:
        return Outcome.AT_ONCE
    return Outcome.BY_RETRY if ending.code < 0 or ending.retryable else Outcome.REFUSED


def _begin_faults(trial: Trial) -> dict[str, int]:
    """Puts the faults into files and proxies; gives how often each proxy's may happen."""
    times = {}
    for injection in trial.injections:
        if isinstance(injection, AtRest):
            trial.scene.at_rest(trial.world, injection)
        elif isinstance(injection, OnTheWay):
            fault = Fault(injection.fault, injection.after, injection.times, stall_s=STALL_S)
            trial.world.proxies[injection.to].fault = fault
            times[injection.to] = injection.times
        elif isinstance(injection, Answers):
            trial.world.servers.failing_aws.script.extend(injection.faults)  # type: ignore[arg-type]
            times["answers"] = len(injection.faults)
    return times


def _end_faults(trial: Trial, times: Mapping[str, int]) -> bool:
    """Takes them away; whether one happened."""
    struck = False
    for to, before in times.items():
        if to == "answers":
            script = trial.world.servers.failing_aws.script
            struck |= len(script) < before
            script.clear()
        else:
            proxy = trial.world.proxies[to]
            struck |= proxy.fault.times < before
            proxy.fault = Fault()
    return struck


def _broken(invariants: Sequence[Callable[[World], Sequence[str]]], world: World, when: str) -> list[str]:
    faults = []
    for invariant in invariants:
        try:
            faults += [f"{when}, {invariant.__name__}: {fault}" for fault in invariant(world)]
        except Exception as error:
            faults.append(f"{when}, {invariant.__name__} cannot be asked: {type(error).__name__}: {error}")
    return faults


def _end_connections(database: str) -> Callable[[World], None]:
    def end(world: World) -> None:
        url = world.databases[0] if database == "ledger" else world.servers.lead_database
        name = url.rpartition("/")[2]
        world.servers.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    return end


MEANWHILE: Mapping[str, Callable[[World], None]] = {
    "end connections of the ledger": _end_connections("ledger"),
    "end connections of the source": _end_connections("source"),
}
