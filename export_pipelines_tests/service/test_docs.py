"""What README and docs/service.md show works: every call of curl as it is written, every setting."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from export_pipelines.service import ServiceSettings
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.service.serving import Served

SERVICE = (REPOSITORY / "docs" / "service.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _run(served: Served, text: str, folder: Path, **more: str) -> str:
    environment = {**os.environ, "URL": served.url, "KEY": served.keys["boss"], **more}
    script = "\n".join(line for line in text.splitlines() if "curl" in line)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.replace(served.keys["boss"], "<key>")
    return ended.stdout


def test_the_calls_of_the_readme_run(served: Served, tmp_path: Path) -> None:
    (text,) = re.findall(r"^```sh\n(make ui\n.*?)^```", README, re.MULTILINE | re.DOTALL)
    waiting = text.replace("wait=20", "wait=60")  # on a machine that is busy with other tests
    assert '"status":"complete"' in _run(served, waiting, tmp_path)
    assert (tmp_path / "leads_part_1.csv").read_text().startswith("lead_id,state\n")


def test_the_calls_of_the_document_run(served: Served, daily: dict[str, Any], tmp_path: Path) -> None:
    (text,) = re.findall(r"^```sh\n(URL=.*?)^```", SERVICE, re.MULTILINE | re.DOTALL)
    text = text.replace("daily_leads", "daily")
    _run(served, text, tmp_path, ID=daily["id"], NAME=daily["file_name"])
    assert (tmp_path / daily["file_name"]).stat().st_size == daily["files"][0]["bytes"]


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"`([A-Z_]+)`", SERVICE[SERVICE.index("## Settings") :]))
    assert {name.upper() for name in ServiceSettings.model_fields} == told
