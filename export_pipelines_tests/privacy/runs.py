"""Exports of made-up people, run through the command line in this process, and the independent search over what they
left behind."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_pipelines.project import Project
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.privacy.canary_store import DAY

HASH_KEY, MASTER_KEY = "h4sh-" * 8, "m4ster-" * 6
FORMATS = {  # every format, every codec
    "csv": "gzip",
    "tsv": "zip",
    "json": "zstd",
    "ndjson": "none",
    "parquet": "none",
    "xlsx": "none",
}
# only what lies beside this file is seen, nothing of the program
SEARCHER = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('searcher', run_name='__main__')"
REDACTED = """\
privacy:
  email: hash
  email_2: hash
  phone_*: mask
  last_name: tokenize
  dob: mask
  direct: redact
  sensitive: redact
  indirect: redact
"""


@dataclass(frozen=True)
class SearchResult:
    """What the search saw: how many values, how many hits by file and kind, and the first hits."""

    values: int
    kinds: dict[str, dict[str, int]]
    hits: list[dict[str, str]]


def unseal(folder: Path, environment: dict[str, str]) -> None:
    """The parts in the store of the project in `folder` are as they would be delivered."""
    project = Project.open(folder, environment)
    for manifest in project.store.manifests():
        for part in manifest.parts:
            with project.store.open(manifest.artifact, part.name) as file:
                data = file.read()
            (folder / "home" / "artifacts" / manifest.artifact / part.name).write_bytes(data)


def searched(*places: Path) -> SearchResult:
    """The hits of the searcher, which runs as a program of its own."""
    program = [sys.executable, "-I", "-c", SEARCHER, str(Path(__file__).parent), *map(str, places)]
    answer = subprocess.run(program, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    return SearchResult(**report)


def export(
    type: str, form: str, privacy: str = "", codec: str | None = None, more: str = "", fields: str = "all"
) -> str:
    """The YAML of an export."""
    compression = codec or FORMATS[form]
    line = f"compression: {compression}\n" if compression != "none" else ""
    head = f"type: {type}\nformat: {form}\nfields: {fields}\npartition: daily\nstart: {DAY}\n"
    return f"{head}{line}{privacy}{more}"


def make_project(folder: Path, source: Path) -> dict[str, str]:
    """A project's folder with its own HOME; the environment that names them."""
    (folder / "exports").mkdir(parents=True)
    (folder / "dagster.yaml").write_bytes((REPOSITORY / "dagster.yaml").read_bytes())
    names: dict[str, Any] = {
        "HOME": folder / "home",
        "SOURCE_URL": f"sqlite:///{source}",
        "HASH_KEY": HASH_KEY,
        "MASTER_KEY": MASTER_KEY,
    }
    return {f"EXPORT_PIPELINES_{name}": str(value) for name, value in names.items()}
