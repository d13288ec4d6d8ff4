"""A project behind a service: what a notebook asks of `Project`, asked over HTTP with an API key."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Self, cast
from urllib.parse import quote

import requests

from export_pipelines.artifact_reader import ArtifactReader
from export_pipelines.artifacts import Listing, Manifest, Staging, Store
from export_pipelines.artifacts.token import recency
from export_pipelines.delivery import Receipt
from export_pipelines.errors import Denied, ExportError, FatalError, RequestError, RetryableError
from export_pipelines.pipeline import Outcome

if TYPE_CHECKING:
    import pandas as pd

TIMEOUT_S = 90
WAIT_S = 60
ENDED = ("complete", "truncated", "error")


@dataclass(frozen=True)
class RemoteProject(ArtifactReader):
    """See `Project` for what the methods give. Raises RequestError for what the service refuses, Denied for a key or rights
    that do not reach, RetryableError where it cannot be reached."""

    api: "_Api"

    @classmethod
    def at(cls, url: str, key: str) -> Self:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {key}"
        return cls(_Api(url.rstrip("/"), session))

    @property
    def store(self) -> Store:
        return RemoteStore(self.api)

    def preview(self, export: str, window: str | None = None, rows: int = 20) -> "pd.DataFrame":
        import polars as pl

        from export_pipelines.artifacts import ManifestColumn
        from export_pipelines.frames import to_pandas
        from export_pipelines.frames.typed import typed

        answer = self.api.asked("POST", "/preview", json=_body(export, window), params={"rows": rows})
        columns = tuple(ManifestColumn.model_validate(column) for column in answer["columns"])
        texts = {column.name: [row[n] for row in answer["rows"]] for n, column in enumerate(columns)}
        frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))
        return to_pandas(typed(frame, columns, export))

    def run(self, export: str, window: str | None = None, any_hour: bool = False) -> Outcome:
        """A run of Dagster, waited for. Raises FatalError where nothing was written."""
        wait = {"Prefer": f"wait={WAIT_S}"}
        body = _body(export, window) | ({"any_hour": True} if any_hour else {})
        request = self.api.asked("POST", "/exports", json=body, headers=wait)
        while request["status"] not in ENDED:
            request = self.api.asked("GET", f"/exports/{request['id']}", headers=wait)
        if request["artifact"] is None:
            raise FatalError(request["error"] or "the run wrote nothing", where=export)
        deliveries = self.api.asked(
            "GET", "/deliveries", params={"artifact": request["artifact"], "limit": 200}
        )
        receipts = tuple(Receipt.model_validate(sent["receipt"]) for sent in deliveries if sent["receipt"])
        failures: dict[int, ExportError] = {
            sent["to"]: RequestError(sent["error"] or sent["state"], where=request["artifact"])
            for sent in deliveries
            if not sent["receipt"]
        }
        return Outcome(self.store.manifest(request["artifact"]), receipts, failures)


@dataclass(frozen=True)
class RemoteStore:
    """The artifacts that the owner of a key may fetch; nothing is written through it. See `artifacts.Store`."""

    api: "_Api"

    def artifacts(self, export: str | None = None, first: str = "", last: str | None = None) -> list[str]:
        params: dict[str, Any] = {"limit": 200} | ({"export": export} if export else {})
        names: list[str] = []
        while True:
            page = self.api.asked("GET", "/artifacts", params=params)
            names += [item["artifact"] for item in page]
            if len(page) < params["limit"]:
                break
            params["after"] = names[-1]
        windows = ((name, name.split("/")[1]) for name in names)
        return [name for name, window in windows if first <= window <= (last or window)]

    def listing(self, export: str | None = None) -> Listing:
        return self.read(self.artifacts(export))

    def read(self, artifacts: Iterable[str]) -> Listing:
        manifests = list[Manifest]()
        for artifact in artifacts:
            try:
                manifests.append(self.manifest(artifact))
            except Denied:
                raise
            except RequestError:  # removed meanwhile
                continue
        manifests.sort(key=lambda manifest: recency(manifest.artifact), reverse=True)
        return Listing(tuple(manifests))

    def manifests(self, export: str | None = None) -> list[Manifest]:
        return list(self.listing(export).manifests)

    def is_empty(self) -> bool:
        return not self.api.asked("GET", "/artifacts", params={"limit": 1})

    def latest(self, export: str) -> Manifest | None:
        page = self.api.asked("GET", "/artifacts", params={"limit": 1, "export": export})
        return self.manifest(page[0]["artifact"]) if page else None

    def manifest(self, artifact: str) -> Manifest:
        return Manifest.of(artifact, self.api.answer("GET", f"/artifacts/{quote(artifact)}").content)

    def files(self, artifact: str) -> Mapping[str, int]:
        return {part.name: part.bytes for part in self.manifest(artifact).parts}

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        path = f"/artifacts/{quote(artifact)}/files/{quote(part_name, safe='')}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        answer = self.api.answer("GET", path, headers=headers, stream=True)
        return cast(BinaryIO, io.BufferedReader(_Body(answer)))

    def open_stored(self, artifact: str, part_name: str) -> BinaryIO:
        _read_only()

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        return None

    def begin(self, export: str, window_key: str, token: str) -> Staging:
        _read_only()

    def amend(self, artifact: str) -> Staging:
        _read_only()

    def remove(self, artifact: str) -> None:
        _read_only()

    def sweep(self, export: str | None = None, all_unfinished: bool = False) -> list[str]:
        _read_only()

    def holds(self, path: Path) -> bool:
        return False

    def location(self, artifact: str) -> str:
        return f"{self.api.url}/artifacts/{artifact}"


class _Body(io.RawIOBase):
    """The body of an answer; one that breaks off raises RetryableError."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            block = self._answer.raw.read(len(buffer))
        except Exception as error:
            raise RetryableError("the download broke off", where=self._answer.url) from error
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._answer.close()
        super().close()


@dataclass(frozen=True)
class _Api:
    url: str
    session: requests.Session = field(repr=False)

    def asked(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer."""
        return self.answer(method, path, **options).json()

    def answer(self, method: str, path: str, **options: Any) -> requests.Response:
        """A success. Raises ExportError for a problem."""
        try:
            answer = self.session.request(method, self.url + path, timeout=TIMEOUT_S, **options)
        except requests.RequestException as error:
            raise RetryableError(
                f"the service cannot be reached: {type(error).__name__}", where=self.url
            ) from error
        if answer.ok:
            return answer
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        text = str(problem.get("detail") or answer.reason)
        if answer.status_code in (401, 403):
            raise Denied(text, where=self.url + path)
        if answer.status_code in (408, 429, 502, 503, 504):
            after = answer.headers.get("Retry-After", "")
            raise RetryableError(
                text, where=self.url + path, after_s=float(after) if after.isdigit() else None
            )
        raise RequestError(text, where=self.url + path)


def _body(export: str, window: str | None) -> dict[str, str]:
    """`window` as `Project.preview` takes it."""
    start, between, end = (window or "").partition("/")
    if between:
        return {"export": export, "start": start, "end": end}
    return {"export": export, "partition": start} if start else {"export": export}


def _read_only() -> NoReturn:
    raise RequestError("artifacts behind a service are read only", where="Project.remote")
