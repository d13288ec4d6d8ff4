"""`diagnose`: why a file is missing, empty, late or unreadable, and what to do."""

import typer

from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import show
from export_pipelines.cli.plans import Name
from export_pipelines.cli.runs import instance_of
from export_pipelines.cli.tables import Json, show_json

MARKS = {"good": "ok", "busy": "wait", "note": "note", "bad": "PROBLEM"}


def diagnose(context: typer.Context, name: Name, asker: As = None, json: Json = False) -> None:
    """Why a file is missing, empty, late or unreadable, and what to do."""
    from export_pipelines.diagnosis import QUESTIONS
    from export_pipelines.diagnosis import diagnose as answers_of
    from export_pipelines.orchestration.observed_runs import ObservedRuns

    project = asking(context, asker)
    with instance_of(project) as instance:
        answers = answers_of(project, ObservedRuns(project, instance), name, project.asker)
    if json:
        show_json(
            {question: [finding.as_dict() for finding in findings] for question, findings in answers.items()}
        )
    else:
        for question, findings in answers.items():
            show(QUESTIONS[question])
            for finding in findings:
                show(f"  {MARKS[finding.tone]}: {finding.text}")
                if finding.then:
                    show(f"      {finding.then}")
            show("")
