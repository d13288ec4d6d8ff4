"""The OpenAPI document is true: schemathesis finds no server error and no answer that is not in it.

CASES=3000 tries so many (90 by default), over all operations."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from export_pipelines.key_versions import PREFIX
from export_pipelines_tests.service.serving import Alone, serving

CASES = int(os.environ.get("CASES", "90"))
PHASES = "examples,fuzzing" if CASES < 1000 else "examples,coverage,fuzzing"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,ignored_auth,negative_data_rejection"
)


def test_every_operation_is_described(alone: Alone) -> None:
    schema = requests.get(f"{alone.served.url}/openapi.json", timeout=30).json()
    operations = [
        operation
        for path in schema["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations) >= 25
    assert all(operation.get("summary") and "500" in operation["responses"] for operation in operations)
    assert "HTTPValidationError" not in json.dumps(schema)


@pytest.fixture
def patient(alone: Alone) -> Iterator[str]:
    """A service over the same project that slows nobody down."""
    limits = {"DENIALS_PER_MINUTE": "1000000", "REQUESTS_PER_S": "1000", "QUEUE": "1000000"}
    environment = {
        **alone.served.environment,
        **{f"{PREFIX}SERVICE_{name}": text for name, text in limits.items()},
    }
    with serving(alone.served.project.root, environment) as (url, _):
        yield url


def test_schemathesis_finds_nothing(alone: Alone, patient: str, tmp_path: Path) -> None:
    schema = requests.get(f"{patient}/openapi.json", timeout=30).json()
    operations = sum(len(path) for path in schema["paths"].values())
    key = alone.served.keys["operator"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{patient}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--checks", CHECKS),
        *("--max-examples", str(max(1, CASES // operations)), "--phases", PHASES),
        *("--exclude-path", "/ready"),  # without a daemon it says 503, as it should
        *("--seed", "1", "--suppress-health-check", "all", "--request-timeout", "60"),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3600, check=False)
    report = (ended.stdout + ended.stderr).replace(key, "<key>")
    assert ended.returncode == 0, report[-6000:]
