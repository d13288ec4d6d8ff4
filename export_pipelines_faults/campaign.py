"""The campaign: trials by a seed, until there were enough faults or the time is over."""

import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from export_pipelines_faults.kinds import KINDS, MACHINE, Injection, Kind, with_step
from export_pipelines_faults.processes import Ending, warm_processes
from export_pipelines_faults.scene import Act, Scene
from export_pipelines_faults.scenes import SCENES
from export_pipelines_faults.servers import Servers
from export_pipelines_faults.syscalls import AtCall
from export_pipelines_faults.trial import WORK_S, NotPrepared, Outcome, Stage, Trial
from export_pipelines_faults.world import Setting, Template, World, environment_of

MEMORY = Path("/dev/shm")


@dataclass
class Campaign:
    """`scenes` and `kinds` are the names of those that take part, all where there is none; `mutation` breaks the program,
    `fixed` are values of settings that are not left to the seed."""

    stage: Stage
    servers: Servers
    template: Template
    folder: Path
    seed: int = 7
    scenes: Sequence[str] = ()
    kinds: Sequence[str] = ()
    mutation: str = ""
    topology: str = MACHINE
    fixed: Mapping[str, str] = field(default_factory=dict)
    _calls: dict[tuple[str, Setting], Ending] = field(default_factory=dict)

    def trials(self, faults: int, seconds: float, first: int = 0) -> Iterator[Trial]:
        """Each with its outcome, until so many faults have happened or so many seconds are over."""
        until, number = time.monotonic() + seconds, first
        while faults > 0 and time.monotonic() < until:
            trial = self.trial(number)
            faults -= trial.outcome is not Outcome.MISSED
            number += 1
            yield trial

    def trial(self, number: int) -> Trial:
        """The trial of that number."""
        return self.trial_of(self._kind(number), number)

    def trial_of(self, kind: Kind, number: int) -> Trial:
        """A fault of the kind, drawn by the seed and the number."""
        random = Random(f"{self.seed} {number}")
        scene = SCENES[
            random.choice([name for name in kind.scenes if not self.scenes or name in self.scenes])
        ]
        setting = replace(scene.setting(random, kind.setting), **self.fixed)  # type: ignore[arg-type]
        drawn = kind.draw(random)
        injections = [self._with_step(injection, scene, setting) for injection in drawn]
        with self._world(setting, scene) as world:
            trial = Trial(number, kind, scene, world, injections, self.mutation)
            self.stage.run(trial)
        return trial

    def taking_part(self) -> list[Kind]:
        return [
            kind
            for kind in KINDS
            if self.topology in kind.topologies
            and (not self.kinds or any(kind.name.startswith(name) for name in self.kinds))
            and (not self.scenes or set(self.scenes) & set(kind.scenes))
        ]

    def _kind(self, number: int) -> Kind:
        """Each kind once, in an order by the seed, then each again in another."""
        kinds = self.taking_part()
        rounds, place = divmod(number, len(kinds))
        return Random(f"{self.seed} round {rounds}").sample(kinds, len(kinds))[place]

    def _with_step(self, injection: Injection, scene: Scene, setting: Setting) -> Injection:
        if not isinstance(injection, AtCall):
            return injection
        return with_step(injection, self._usual(scene, setting).steps[injection.place])

    def _usual(self, scene: Scene, setting: Setting) -> Ending:
        """The work of a scene without a fault, done once for each setting; how many calls it makes, and where."""
        key = (scene.name, setting)
        if key not in self._calls:
            with self._world(setting, scene) as world:
                scene.prepare(world, lambda act: self._done(world, act[0], act[1]))
                ending = self._ended(scene, world, scene.work(world))
                if not ending.ok:
                    raise NotPrepared(f"{scene.name} with {setting}, without a fault: {ending.text}")
                self._ended(scene, world, scene.again(world))
                faults = [fault for invariant in scene.settled for fault in invariant(world)]
                if faults:
                    raise NotPrepared(f"{scene.name} with {setting}, without a fault: {faults}")
            self._calls[key] = ending
            self.stage.usual_s[scene.name] = ending.seconds
        return self._calls[key]

    def _ended(self, scene: Scene, world: World, act: Act) -> Ending:
        ending = self.stage.ended(self.stage.start(world, act), scene, world)
        if ending is None:
            raise NotPrepared(f"{act} does not end")
        return ending

    def _done(self, world: World, act: str, arguments: Sequence[str]) -> Ending:
        ending = self.stage.start(world, (act, arguments)).wait(WORK_S)
        if ending is None:
            raise NotPrepared(f"{act} does not end")
        return ending

    @contextmanager
    def _world(self, setting: Setting, scene: Scene) -> Iterator[World]:
        folder = self.folder / "project"
        world = World(folder, self.servers, setting, scene.days, environment_of(folder))
        try:
            yield world.make(self.template)
        finally:
            world.end()


@contextmanager
def campaign(
    seed: int,
    scenes: Sequence[str] = (),
    kinds: Sequence[str] = (),
    mutation: str = "",
    fixed: Mapping[str, str] | None = None,
) -> Iterator[Campaign]:
    """A campaign with servers of its own, which end with the block."""
    memory = MEMORY if MEMORY.is_dir() else None
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # of the mail server: connections that were cut
    with (
        tempfile.TemporaryDirectory(prefix="export_pipelines_faults_", dir=memory) as name,
        warm_processes() as processes,
        ExitStack() as stack,
    ):
        folder = Path(name)
        for part in ("servers", "templates"):
            (folder / part).mkdir()
        stage, servers = Stage(processes), Servers(folder / "servers", stack)
        template = Template(folder / "templates", stage.make_storage)
        yield Campaign(stage, servers, template, folder, seed, scenes, kinds, mutation, fixed=fixed or {})
