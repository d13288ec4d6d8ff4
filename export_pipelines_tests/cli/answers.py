"""What a command of the terminal gives."""

import csv
import json
from collections.abc import Callable
from typing import Any

from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]
WHOLE = "type: lead\nformat: json\nfields: [lead_id, comments]\n"


def data(answer: Answer) -> Any:
    """What a program reads of `--json`: all of stdout."""
    assert answer.code == 0, answer.stderr
    return json.loads(answer.stdout)


def delivered(project: Project, day: str) -> list[dict[str, str]]:
    path = project.home / "delivered" / "daily" / day / "leads_part_1.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
