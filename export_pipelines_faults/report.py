"""What came of the faults: a line for each, and the table of kinds and outcomes."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from export_pipelines_faults.kinds import KINDS
from export_pipelines_faults.trial import Outcome, Trial

BEGIN, END = "<!-- the table of `make faults` begins -->", "<!-- the table of `make faults` ends -->"
COLUMNS = [outcome for outcome in Outcome if outcome is not Outcome.MISSED]


@dataclass
class Report:
    """`counts` has the outcomes by the kind's name."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    @staticmethod
    def of(results: Path) -> "Report":
        """Of all runs that added to the file."""
        report = Report()
        for line in results.read_text(encoding="utf-8").splitlines():
            for name, outcomes in json.loads(line).items():
                report.counts.setdefault(name, Counter()).update(outcomes)
        return report

    @staticmethod
    def of_one(trial: Trial) -> "Report":
        report = Report()
        report.add(trial)
        return report

    def keep(self, results: Path) -> None:
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.counts) + "\n")

    def add(self, trial: Trial) -> None:
        self.counts.setdefault(trial.kind.name, Counter())[trial.outcome] += 1

    @property
    def faults(self) -> int:
        return sum(
            number
            for outcomes in self.counts.values()
            for o, number in outcomes.items()
            if o != Outcome.MISSED
        )

    @property
    def violations(self) -> int:
        return sum(outcomes[Outcome.VIOLATION] for outcomes in self.counts.values())

    def line(self, trial: Trial, seed: int) -> str:
        """With a violation, what to run to see it again."""
        text = f"{trial.number:5} {trial.seconds:5.1f} s  {trial.outcome:27} {trial}\n"
        text += "".join(f"      {fault}\n" for fault in dict.fromkeys(trial.violations))
        if trial.violations:
            text += f"      again: make faults SEED={seed} ONLY={trial.number}\n"
        return text

    def rows(self) -> list[tuple[str, str, list[int]]]:
        """Place, fault, and how often each outcome was seen; a row for each kind, whether it was seen or not."""
        return [
            (kind.where, kind.what, [self.counts.get(kind.name, Counter())[outcome] for outcome in COLUMNS])
            for kind in KINDS
        ]

    def table(self, every: bool = True) -> str:
        """In Markdown; with kinds that were not seen only if `every` one is asked for."""
        head = ["where", "fault", *COLUMNS]
        lines = [head, ["---"] * 2 + ["--:"] * len(COLUMNS)]
        rows = [row for row in self.rows() if every or any(row[2])]
        lines += [[where, what, *(str(n) if n else "" for n in numbers)] for where, what, numbers in rows]
        sums = [sum(numbers[n] for _, _, numbers in rows) for n in range(len(COLUMNS))]
        lines.append(["all", f"{sum(sums):,} faults of {len(KINDS)} kinds", *map(str, sums)])
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def summary(self, seconds: float, cpu_s: float) -> str:
        missed = sum(outcomes[Outcome.MISSED] for outcomes in self.counts.values())
        seen = sum(any(numbers) for _, _, numbers in self.rows())
        return (
            f"{self.faults:,} faults of {seen} of {len(KINDS)} kinds, {self.violations} violations; {missed} did not happen "
            f"in time; {seconds:.0f} s, {cpu_s:.0f} s of CPU"
        )

    def write(self, page: Path) -> None:
        """Puts the table between the markers of a page."""
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        page.write_text(f"{before}{BEGIN}\n\n{self.table()}\n\n{END}{after}", encoding="utf-8")
