"""Files of exports: ranges, validators, digests, resumed downloads by curl and wget, and files that are not as they were."""

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export_pipelines_tests.service.serving import Served


@pytest.fixture
def damaged(served: Served, wide: dict[str, Any]) -> Iterator[Path]:
    """The stored file of an export, which is as it was afterwards."""
    path = Path(served.project.store.location(wide["artifact"])) / wide["file_name"]
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def test_a_file_has_its_validators_and_digest(served: Served, wide: dict[str, Any]) -> None:
    (file,) = wide["files"]
    whole = served.ask("GET", file["url"])
    assert whole.status_code == 200
    assert whole.headers["ETag"] == f'"{file["sha256"]}"'
    digest = base64.b64encode(hashlib.sha256(whole.content).digest()).decode()
    assert whole.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert int(whole.headers["Content-Length"]) == len(whole.content) == file["bytes"]
    assert "filename*=UTF-8''" in whole.headers["Content-Disposition"]
    head = served.ask("HEAD", file["url"])
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Repr-Digest", "Content-Length", "Content-Type", "Last-Modified", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]


def test_ranges_and_conditions_hold_over_http(served: Served, wide: dict[str, Any]) -> None:
    (file,) = wide["files"]
    content = served.ask("GET", file["url"]).content
    etag = f'"{file["sha256"]}"'

    def ask(**headers: str) -> Any:
        return served.ask("GET", file["url"], headers={k.replace("_", "-"): v for k, v in headers.items()})

    part = ask(Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    assert ask(Range="bytes=-7").content == content[-7:]
    assert ask(Range="bytes=100-", If_Range='"other"').status_code == 200
    beyond = ask(Range=f"bytes={len(content)}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert ask(If_None_Match=etag).status_code == 304
    assert ask(If_Match='"other"').status_code == 412
    assert ask(Accept_Encoding="gzip").headers.get("Content-Encoding") is None


@pytest.mark.parametrize("program", ["curl", "wget"])
def test_a_download_that_broke_off_is_resumed(
    served: Served, wide: dict[str, Any], program: str, tmp_path: Path
) -> None:
    (file,) = wide["files"]
    path, url = tmp_path / file["name"], served.url + file["url"]
    path.write_bytes(served.ask("GET", file["url"], headers={"Range": "bytes=0-999"}).content)
    user = f"API:{served.keys['boss']}"
    commands = {
        "curl": ["curl", "-fsS", "-C", "-", "-u", user, "-o", str(path), url],
        "wget": [
            "wget",
            "-q",
            "-c",
            "--auth-no-challenge",
            f"--header=Authorization: Bearer {user[4:]}",
            url,
        ],
    }
    subprocess.run(commands[program], cwd=tmp_path, check=True, timeout=60)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]


def test_a_changed_file_is_never_sent_whole(served: Served, wide: dict[str, Any], damaged: Path) -> None:
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))
    url = wide["files"][0]["url"]
    answer = served.ask("GET", url)
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")
    for range in ("bytes=10-", "bytes=0-99", f"bytes=0-{len(content) - 2}", "bytes=0-"):
        assert served.ask("GET", url, headers={"Range": range}).status_code == 500


def test_a_cut_file_and_one_that_is_gone_are_refused(
    served: Served, wide: dict[str, Any], damaged: Path
) -> None:
    url = wide["files"][0]["url"]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert served.ask("GET", url).json()["code"] == "damaged"
    damaged.unlink()
    gone = served.ask("GET", url)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")


def test_what_was_fetched_stands_in_the_audit_and_in_the_export(served: Served, wide: dict[str, Any]) -> None:
    before = served.ask("GET", f"/exports/{wide['id']}").json()["downloads"]
    served.ask("GET", wide["files"][0]["url"])
    after = served.ask("GET", f"/exports/{wide['id']}").json()["downloads"]
    assert len(after) == len(before) + 1
    assert (after[-1]["by"], after[-1]["file"]) == ("boss", wide["file_name"])
    entry = served.project.ledger.audit("download", wide["artifact"])[-1]
    assert entry.detail["request_id"] == wide["id"]
    assert served.keys["boss"] not in str(entry)
