"""`python -m export_pipelines_faults`: runs the campaign, says what came of each fault, and prints the table."""

import argparse
import resource
import sys
import time
from pathlib import Path

from export_pipelines_faults.campaign import campaign
from export_pipelines_faults.report import Report
from export_pipelines_faults.trial import Outcome
from export_pipelines_servers.ending import end_by_signals


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=100, help="so many faults, then it ends")
    parser.add_argument("--seconds", type=float, default=1e9, help="it ends after so many seconds, too")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", type=int, help="the trial of this number alone, as a violation names it")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial")
    parser.add_argument("--scene", action="append", default=[], help="only in this scene; may be repeated")
    parser.add_argument(
        "--kind", action="append", default=[], help="only kinds that begin so; may be repeated"
    )
    parser.add_argument(
        "--fix", action="append", default=[], help="a setting, such as to=email; may be repeated"
    )
    parser.add_argument("--mutation", default="", help="breaks the program on purpose, see mutations.py")
    parser.add_argument("--results", type=Path, help="a file that the outcomes are added to, for --table")
    parser.add_argument(
        "--table", type=Path, help="writes the table of the results between the markers of a page"
    )
    parser.add_argument("--quiet", action="store_true", help="says nothing of faults that went well")
    asked = parser.parse_args()
    report, began = Report(), time.monotonic()
    fixed = dict(text.split("=", 1) for text in asked.fix)
    with campaign(asked.seed, asked.scene, asked.kind, asked.mutation, fixed) as running:
        if asked.only is not None:
            trials = iter([running.trial(asked.only)])
        else:
            trials = running.trials(asked.faults, asked.seconds, asked.first)
        for trial in trials:
            report.add(trial)
            if asked.results:
                Report.of_one(trial).keep(asked.results)
            if trial.outcome is Outcome.VIOLATION or not asked.quiet:
                sys.stdout.write(report.line(trial, asked.seed))
                sys.stdout.flush()
    cpu = sum(getattr(resource.getrusage(who), name) for who in (0, -1) for name in ("ru_utime", "ru_stime"))
    sys.stdout.write(f"\n{report.table(every=False)}\n{report.summary(time.monotonic() - began, cpu)}\n")
    if asked.table:
        (Report.of(asked.results) if asked.results else report).write(asked.table)
    return 1 if report.violations else 0


if __name__ == "__main__":
    end_by_signals()
    sys.exit(main())
