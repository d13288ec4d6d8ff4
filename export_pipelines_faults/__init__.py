"""The fault campaign: real processes and servers, one fault (or two) at a time, and what must hold afterwards.

kinds.py is the table of faults; a fault of a kind is drawn by a seed, and happens in a scene (scenes/), which is a piece of work
that people or schedules ask for. runner.py repeats: a fresh world, the work with the fault, what must hold at once (invariants.py),
the work again without a fault as an operator or Dagster would repeat it, and what must hold then. report.py counts."""
