"""A scene: a piece of work that a fault happens in, how it is done again, and what must hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from export_pipelines_faults.invariants import Invariant
from export_pipelines_faults.kinds import AtRest
from export_pipelines_faults.processes import Ending
from export_pipelines_faults.world import Setting, World

Act = tuple[str, Sequence[str]]  # an act of acts.py, and its arguments
Do = Callable[[Act], Ending]


def nothing(world: World, do: Do) -> None:
    """Of a scene that begins with a new project."""


def no_rest(world: World, injection: AtRest) -> None:
    raise NotImplementedError


def nobody(world: World) -> str:
    """Of work that ends by itself."""
    return ""


@dataclass(frozen=True)
class Scene:
    """settings: the values that a world of this scene may have, from which a seed chooses.
    prepare:  what was done before, without a fault.
    work:     what the fault happens in. again: the same work once more, as an operator or Dagster would do it.
    at_once:  invariants that hold however the work ended. settled: those that hold when it was done again.
    at_rest:  does something to files before the work. days: the windows.
    client:   of work that serves until it is ended: asks it for something, and gives why it did not get it, or ""."""

    name: str
    work: Callable[[World], Act]
    again: Callable[[World], Act]
    at_once: Sequence[Invariant]
    settled: Sequence[Invariant]
    settings: dict[str, Sequence[Any]] = field(default_factory=dict)
    prepare: Callable[[World, Do], None] = nothing
    at_rest: Callable[[World, AtRest], None] = no_rest
    days: tuple[str, ...] = ("2024-01-02",)
    client: Callable[[World], str] = nobody

    def setting(self, random: Random, asked: Sequence[tuple[str, Sequence[Any]]]) -> Setting:
        """A setting; what a kind `asked` for counts where the scene has a choice."""
        choices = dict(self.settings)
        for name, values in asked:
            common = [value for value in values if value in choices.get(name, values)]
            if common:
                choices[name] = common
        return Setting(**{name: random.choice(values) for name, values in sorted(choices.items())})
