"""Files in a bucket: streamed, or answered by a presigned URL, which is short-lived, noted, and never that of a sealed file."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.project import Project
from export_pipelines.s3 import Bucket
from export_pipelines.service.conditions import http_date
from export_pipelines.service.settings import ServiceSettings
from export_pipelines.signed_links import new_link
from export_pipelines_servers.s3 import KEY, SECRET, own_bucket
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.service.serving import Served, make_keys, make_project, serving

VALID_S = 60
DATA = bytes(range(256)) * 12_000  # of three segments


@dataclass(frozen=True)
class InBucket:
    """Two services over a bucket with a plain and a sealed artifact: one streams, the other redirects."""

    streaming: Served
    redirecting: Served
    plain: Manifest
    sealed: Manifest
    bucket: Bucket
    unsealed: Store

    def get(self, service: Served, manifest: Manifest, **options: Any) -> requests.Response:
        path = f"/artifacts/{manifest.artifact}/files/{manifest.parts[0].name}"
        return service.ask("GET", path, OPERATOR, **options)


@pytest.fixture(scope="module")
def in_bucket(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[InBucket]:
    folder = tmp_path_factory.mktemp("bucket")
    server, bucket = own_bucket()
    settings = {
        f"{PREFIX}STORE_URL": f"s3://{bucket.name}/exports?endpoint_url={server.endpoint_url}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        environment = make_project(folder, store_url, None, **settings)
        begun = Project.open(folder, dict(environment))
        keys, unsealed = make_keys(begun, (OPERATOR,)), begun.store
        plain = stored(unsealed, {"leads part 1.csv": DATA})
        environment[f"{PREFIX}MASTER_KEY"] = secrets.token_hex(32)
        project = Project.open(folder, dict(environment))
        sealed = stored(project.store, {"leads.csv": DATA}, token="20240116T020000Z-ffffff")
        presigned = {**environment, f"{PREFIX}SERVICE_PRESIGNED_S": str(VALID_S)}
        with ExitStack() as stack:
            urls = [stack.enter_context(serving(folder, each))[0] for each in (environment, presigned)]
            streaming, redirecting = (Served(url, project, environment, keys) for url in urls)
            yield InBucket(streaming, redirecting, plain, sealed, bucket, unsealed)


@pytest.mark.parametrize("kind", ["plain", "sealed"])
def test_a_file_in_a_bucket_is_streamed(in_bucket: InBucket, kind: str) -> None:
    manifest: Manifest = getattr(in_bucket, kind)
    whole = in_bucket.get(in_bucket.streaming, manifest)
    assert (whole.history, whole.content) == ([], DATA)
    part = in_bucket.get(in_bucket.streaming, manifest, headers={"Range": "bytes=2000000-2000009"})
    assert (part.status_code, part.content) == (206, DATA[2000000:2000010])


def test_a_plain_file_is_answered_by_a_presigned_url(in_bucket: InBucket) -> None:
    audit = in_bucket.redirecting.project.ledger
    before = len(audit.audit("download", in_bucket.plain.artifact))
    answer = in_bucket.get(in_bucket.redirecting, in_bucket.plain, allow_redirects=False)
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["ETag"] == f'"{in_bucket.plain.parts[0].sha256}"'
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["X-Amz-Expires"] == [str(VALID_S)]
    assert in_bucket.redirecting.keys[OPERATOR] not in answer.headers["Location"]
    fetched = requests.get(answer.headers["Location"], timeout=30)  # without a key of ours
    assert fetched.content == DATA
    assert fetched.headers["Content-Disposition"].startswith('attachment; filename="leads part 1.csv"')
    entries = audit.audit("download", in_bucket.plain.artifact)
    assert len(entries) == before + 1
    assert (entries[-1].actor, entries[-1].detail["redirected"]) == (OPERATOR, True)


def test_a_presigned_url_gives_ranges_and_nothing_else(in_bucket: InBucket) -> None:
    followed = in_bucket.get(in_bucket.redirecting, in_bucket.plain, headers={"Range": "bytes=10-19"})
    assert (followed.status_code, followed.content) == (206, DATA[10:20])
    url = in_bucket.get(in_bucket.redirecting, in_bucket.plain, allow_redirects=False).headers["Location"]
    other = url.replace(in_bucket.plain.artifact, in_bucket.sealed.artifact)
    assert requests.get(other, timeout=30).status_code == 403
    assert requests.put(url, b"other", timeout=30).status_code == 403


def test_conditions_and_a_head_are_answered_here(in_bucket: InBucket) -> None:
    path = f"/artifacts/{in_bucket.plain.artifact}/files/{in_bucket.plain.parts[0].name}"
    etag = f'"{in_bucket.plain.parts[0].sha256}"'
    head = in_bucket.redirecting.ask("HEAD", path, OPERATOR)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(DATA)))
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-Match": '"other"'}, 412),
        ({"Range": f"bytes={len(DATA)}-"}, 416),
    ):
        assert in_bucket.get(in_bucket.redirecting, in_bucket.plain, headers=headers).status_code == status


def test_a_condition_that_holds_is_answered_without_the_bucket(in_bucket: InBucket) -> None:
    etag = f'"{in_bucket.plain.parts[0].sha256}"'
    since = http_date(in_bucket.plain.created_at)
    for headers in ({"If-Match": etag}, {"If-Unmodified-Since": since}):
        whole = in_bucket.get(in_bucket.redirecting, in_bucket.plain, headers=headers)
        assert (whole.status_code, whole.history, whole.content) == (200, [], DATA)


def test_a_presigned_url_ends_with_its_link(in_bucket: InBucket) -> None:
    service, left_s = in_bucket.redirecting, 20
    project = service.project
    settings = Project.open(project.root, dict(service.environment)).settings
    lifetime = timedelta(seconds=left_s)
    _, token = new_link(
        project.ledger, settings, project.now, in_bucket.plain, "ruth@acme.example", OPERATOR, lifetime, False
    )
    name = in_bucket.plain.parts[0].name
    url = f"{service.url}/links/{token}/files/{name}"
    answer = requests.get(url, timeout=30, allow_redirects=False)
    assert answer.status_code == 307
    (valid_s,) = parse_qs(urlsplit(answer.headers["Location"]).query)["X-Amz-Expires"]
    assert 0 < int(valid_s) <= left_s


def test_a_presigned_url_is_good_for_five_minutes_at_most() -> None:
    with pytest.raises(SettingsError, match="SERVICE_PRESIGNED_S"):
        ServiceSettings.load({f"{PREFIX}SERVICE_PRESIGNED_S": "301"})


def test_a_sealed_file_and_a_link_of_single_use_are_never_redirected(in_bucket: InBucket) -> None:
    sealed = in_bucket.get(in_bucket.redirecting, in_bucket.sealed)
    assert (sealed.history, sealed.content) == ([], DATA)
    service, base = in_bucket.redirecting, f"/artifacts/{in_bucket.plain.artifact}/links"
    for is_single, redirects in ((True, 0), (False, 1)):
        body = {"recipient": "ruth@acme.example", "single_use": is_single}
        link = service.ask("POST", base, OPERATOR, json=body).json()["url"]
        (file,) = requests.get(service.url + link, timeout=30).json()["files"]
        fetched = requests.get(service.url + file["url"], timeout=30)
        assert (len(fetched.history), fetched.content) == (redirects, DATA)


def test_an_object_that_was_replaced_is_proven_again(in_bucket: InBucket) -> None:
    manifest = stored(in_bucket.unsealed, {"leads.csv": DATA}, token="20240119T020000Z-ffffff")
    ranged = {"Range": "bytes=10-19"}
    for headers in ({}, ranged, {"Range": "bytes=0-9"}):
        assert in_bucket.get(in_bucket.streaming, manifest, headers=headers).content in (
            DATA,
            DATA[:10],
            DATA[10:20],
        )
    in_bucket.bucket.put(f"exports/{manifest.artifact}/leads.csv", DATA[::-1], {})
    answer = in_bucket.get(in_bucket.streaming, manifest, headers=ranged)
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")


def test_a_file_that_is_gone_from_the_bucket_is_no_redirect(in_bucket: InBucket) -> None:
    lost = stored(in_bucket.unsealed, {"leads.csv": DATA[:100]}, token="20240118T020000Z-ffffff")
    in_bucket.bucket.remove(f"exports/{lost.artifact}/leads.csv")
    answer = in_bucket.get(in_bucket.redirecting, lost, allow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
