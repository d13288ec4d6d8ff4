"""The page for people who never see a terminal: HTML made here, that works without JavaScript. It calls what the API calls."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from export_pipelines.service.pages import (
    builder,
    catalogue,
    diagnosis,
    history,
    open_id,
    requests,
    saving,
    session,
    static_files,
)
from export_pipelines.service.pages.rendering import ROOT, page
from export_pipelines.service.problems import Problem

MODULES = (session, open_id, static_files, catalogue, history, builder, saving, requests, diagnosis)

router = APIRouter(include_in_schema=False)
for module in MODULES:
    router.include_router(module.router, prefix=ROOT)


@router.get("/")
def to_the_page() -> Response:
    return RedirectResponse(ROOT, 303)


def is_page(request: Request) -> bool:
    """Whether a person sees the answer in a browser."""
    return request.url.path == ROOT or request.url.path.startswith(f"{ROOT}/")


def problem_page(request: Request, problem: Problem) -> Response:
    """What went wrong, for people; whoever is not signed in may sign in."""
    if problem.status == 401:
        return session.to_sign_in(request)
    caller = getattr(request.state, "caller", None)
    return page("problem.html", request, caller, problem.status, problem.headers, problem=problem)


__all__ = ["MODULES", "is_page", "problem_page", "router"]
