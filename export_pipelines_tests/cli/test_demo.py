"""The demo, on the servers that it delivers to."""

import gzip
import json
import re
from pathlib import Path

import pytest

from export_pipelines.s3 import Access, open_bucket
from export_pipelines_servers.local import BUCKET, free_ports, local_servers
from export_pipelines_servers.s3 import KEY, SECRET
from export_pipelines_tests.cli.answers import Terminal
from export_pipelines_tests.conftest import REPOSITORY, Project


def test_demo_runs_twice_and_every_file_that_it_names_arrived(
    terminal: Terminal, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del project.environment["EXPORT_PIPELINES_SOURCE_URL"]
    monkeypatch.delenv("EXPORT_PIPELINES_SOURCE_URL", raising=False)
    monkeypatch.setattr("export_pipelines.cli.demo.LEADS", 600)
    servers, ports = tmp_path / "servers", free_ports()
    for path in (REPOSITORY / "exports").iterdir():
        project.write(path.stem, ports.put_into(path.read_text(encoding="utf-8")))
    with local_servers(servers, ports) as told:
        project.environment.update(told)
        for _ in range(2):
            answer = terminal("demo")
            assert answer.code == 0, answer.stderr
            files = [line.strip() for line in answer.stdout.splitlines() if "_part_1." in line]
            assert len(files) == 13
            folder = [file for file in files if " " not in file]
            assert len(folder) == 3 and all((project.folder / file).stat().st_size for file in folder)
            assert "make ui" in answer.stdout and "http://127.0.0.1:3000" in answer.stdout
            (shown,) = re.findall(r"^    (epk_\w+)$", answer.stdout, re.MULTILINE)
            assert f"curl -u API:{shown} http://127.0.0.1:3080/exports" in answer.stdout
        bucket = open_bucket(BUCKET, Access(f"http://127.0.0.1:{ports.s3}", None, KEY, SECRET))
        (day,) = [
            one.key for one in bucket.list("daily_lead_backup/2024-01-15/") if ".manifest" not in one.key
        ]
        assert len(json.loads(gzip.decompress(bucket.read(day) or b""))) == 10
    (mail,) = servers.joinpath("mail").iterdir()  # the second one was told from the first
    assert "performance" in mail.read_text(encoding="utf-8")
    assert list(servers.glob("sftp/finance/2024/01/leads_part_1.csv"))
    key = project.home / "keys" / "hash_key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text().strip()) == 64


def test_demo_says_what_it_delivers_to(terminal: Terminal, project: Project) -> None:
    for path in (REPOSITORY / "exports").iterdir():
        project.write(path.stem, path.read_text(encoding="utf-8"))
    answer = terminal("demo")
    assert answer.code == 2
    assert "S3_ACCESS_KEY" in answer.stderr and "make demo" in answer.stderr
    assert not project.home.joinpath("keys").exists()


def test_every_destination_that_failed_is_named(terminal: Terminal, project: Project) -> None:
    text = (project.folder / "exports" / "daily.yaml").read_text(encoding="utf-8")
    entries = "".join(
        f"\n  - webhook: {{url: 'https://{n}.example.com/', secret: {{env: UNSET_{n}}}}}" for n in (1, 2)
    )
    project.write("twice", text.partition("deliver:")[0] + f"deliver:{entries}\n")
    answer = terminal("run", "twice", "--partition", "2024-01-15")
    assert answer.code == 2 and "UNSET_1" in answer.stderr and "UNSET_2" in answer.stderr
