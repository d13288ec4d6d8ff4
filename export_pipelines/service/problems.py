"""Problem documents (RFC 9457): errors of the program, and of HTTP, as JSON with the place of each fault."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from export_pipelines.errors import (
    CatalogError,
    DamagedArtifact,
    DefinitionError,
    Denied,
    ExportError,
    LimitReached,
    RequestError,
    RetryableError,
    SealedArtifact,
    SettingsError,
    SourceError,
    StoreError,
    WindowError,
)

MEDIA_TYPE = "application/problem+json"
Key = tuple[str | int, ...]
STATUSES: tuple[tuple[type[ExportError], int], ...] = (  # the first that fits
    (Denied, 403),
    (SealedArtifact, 410),
    (DamagedArtifact, 500),
    (LimitReached, 422),
    (DefinitionError, 422),
    (CatalogError, 422),
    (WindowError, 422),
    (SettingsError, 503),
    (SourceError, 503),
    (StoreError, 503),
    (RetryableError, 503),
    (RequestError, 422),
)
RETRY_AFTER_S = 10


class Fault(BaseModel):
    """`pointer` is a JSON pointer (RFC 6901) into the request's body; `parameter` names one of the URL or a header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemDocument(BaseModel):
    """What went wrong, in the form of RFC 9457."""

    type: str = Field(description="`urn:export-pipelines:` and the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    errors: list[Fault] = []


class Problem(Exception):
    """An answer that is no success. `headers` go with it; `is_refusal` says that it belongs into the audit whatever its
    status is, `is_recorded` that the audit has it."""

    is_refusal = False
    is_recorded = False

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.faults, self.headers = tuple(faults), dict(headers or {})
        super().__init__(detail)

    def document(self) -> ProblemDocument:
        return ProblemDocument(
            type=f"urn:export-pipelines:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            errors=list(self.faults),
        )

    def response(self) -> JSONResponse:
        content = self.document().model_dump(mode="json", exclude_none=True)
        return JSONResponse(content, self.status, self.headers, MEDIA_TYPE)

    @classmethod
    def at(cls, detail: str, *key: str | int, code: str = "request") -> "Problem":
        """A fault of the request's body at `key`."""
        return cls(422, code, detail, [Fault(detail=detail, pointer=pointer(key))])


def not_here(what: str) -> Problem:
    """The same answer for what is not there and for what the caller may not see."""
    return Problem(404, "not_found", f"there is no such {what}, or it is not yours to see")


def problem_of(error: ExportError, moved: Mapping[Key, Key] | None = None) -> Problem:
    """An error of the program. `moved` says where in the body a key of an export's definition stands."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    faults: list[Fault] = []
    detail = str(error)
    if isinstance(error, DefinitionError) and error.places:
        faults = [Fault(detail=text, pointer=pointer(_moved(key, moved or {}))) for key, text in error.places]
        detail = "; ".join(fault.detail for fault in faults)
    headers = {}
    if status == 503:
        after = error.after_s if isinstance(error, RetryableError) and error.after_s else RETRY_AFTER_S
        headers["Retry-After"] = str(round(after))
    problem = Problem(status, error.code, detail, faults, headers)
    problem.is_refusal, problem.is_recorded = error.is_refusal, error.is_recorded
    return problem


def pointer(key: Iterable[str | int]) -> str:
    """`/filter/rules/0`; empty for the whole body."""
    return "".join("/" + str(word).replace("~", "~0").replace("/", "~1") for word in key)


def _moved(key: Key, moved: Mapping[Key, Key]) -> Key:
    for length in range(len(key), 0, -1):
        if key[:length] in moved:
            return (*moved[key[:length]], *key[length:])
    return key


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents of an operation, for OpenAPI; every operation may be unauthorised, throttled or unavailable."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in sorted({401, 429, 500, 503, *statuses})
    }


async def answer_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return error.response()
