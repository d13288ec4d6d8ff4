"""Why a file is missing, empty, late or unreadable: the page of the same answers that `export-pipelines diagnose` gives."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from export_pipelines.diagnosis import QUESTIONS, diagnose
from export_pipelines.service.pages.history import Name, named
from export_pipelines.service.pages.rendering import page
from export_pipelines.service.pages.session import SignedIn
from export_pipelines.service.service import service_of

router = APIRouter()


@router.get("/exports/{name}/diagnosis")
def diagnosis(request: Request, caller: SignedIn, name: Name) -> Response:
    service = service_of(request)
    named(service, caller, name)
    answers = diagnose(service.project, service.observed(), name, caller.asker)
    return page("diagnosis.html", request, caller, name=name, answers=answers, questions=QUESTIONS)
