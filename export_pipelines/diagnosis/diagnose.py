"""Asks the four questions about one export."""

from collections.abc import Callable, Iterator, Mapping

from export_pipelines.diagnosis.case import Case
from export_pipelines.diagnosis.empty import why_empty
from export_pipelines.diagnosis.finding import Answers, Finding, Question
from export_pipelines.diagnosis.late import why_late
from export_pipelines.diagnosis.missing import why_missing
from export_pipelines.diagnosis.unreadable import why_unreadable
from export_pipelines.errors import ExportError
from export_pipelines.orchestration.observed_runs import ObservedRuns
from export_pipelines.project import Project

QUESTIONS: Mapping[Question, str] = {
    "missing": "Why is my file missing?",
    "empty": "Why is my file empty, or shorter than I expect?",
    "late": "Why is my file late?",
    "unreadable": "Why can I not read my file?",
}
ANSWERS: Mapping[Question, Callable[[Case], Iterator[Finding]]] = {
    "missing": why_missing,
    "empty": why_empty,
    "late": why_late,
    "unreadable": why_unreadable,
}


def diagnose(project: Project, observed: ObservedRuns, name: str, asker: str | None = None) -> Answers:
    """What is known of the export, by question. `asker` is the principal whose rights hold beside the owner's.

    A part that cannot be read is a finding of its own. Raises RequestError for an export that is not there.
    """
    broken = project.loaded.broken.get(name)
    if broken:
        text = "The export's file has faults, so nothing runs: " + "; ".join(broken.faults)
        return {
            "missing": [Finding("bad", text, "Correct the file; `export-pipelines check` names every fault.")]
        }
    case = Case(project, observed, project.definition(name), asker)
    return {question: list(_findings(case, question)) for question in QUESTIONS}


def _findings(case: Case, question: Question) -> Iterator[Finding]:
    try:
        yield from ANSWERS[question](case)
    except ExportError as error:
        yield Finding("bad", f"This could not be looked at: {error}", error.remedy)
