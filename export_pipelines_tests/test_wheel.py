"""The package as others install it: a wheel, in an environment of its own, far from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from export_pipelines_tests.conftest import REPOSITORY

PARTS = ("export_pipelines", "pyproject.toml", "setup.py", "README.md", "LICENSE")
LEADS = """\
id,submitted_at,email,outcome
1,2024-01-15 09:00:00,ann@example.com,success
2,2024-01-15 10:00:00,bob@example.com,failure
3,2024-01-16 10:00:00,cid@example.com,success
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of the build, and no library that was compiled before, lies in the checkout."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for part in PARTS:
        origin = REPOSITORY / part
        if origin.is_dir():
            shutil.copytree(origin, source / part, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(origin, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(built)]
    called(source, sys.executable, "-m", "pip", "wheel", *options, ".")
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that has the wheel, and what it depends on from where the tests have it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    own = Path(called(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    options = ["--quiet", "--no-deps", "--no-index"]
    called(folder, sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    # A path in a .pth file is searched, but no .pth file there is read: so the checkout, installed there, is not seen.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = called(folder, python, "-c", "import export_pipelines; print(export_pipelines.__file__)")
    assert Path(where.strip()).is_relative_to(own)
    return folder / "bin" / "export-pipelines"


def called(folder: Path, *words: str | Path) -> str:
    """What the program says; nothing of this process's environment names the checkout."""
    hidden = ("EXPORT_PIPELINES", "DAGSTER", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    ran = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_holds_the_libraries_the_types_the_licence_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        told = message_from_bytes(archive.read(metadata))
    libraries = {name.partition(".")[0] for name in names if name.endswith(".so")}
    assert libraries == {"export_pipelines/mask/_kernel", "export_pipelines/transform/_json_texts"}
    assert "export_pipelines/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"export_pipelines"}
    assert told["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in told.get_all("Classifier", [])


def test_an_imported_file_is_exported_and_verified(program: Path, tmp_path: Path) -> None:
    called(tmp_path, program, "init", "mine")
    folder = tmp_path / "mine"
    (folder / "leads.csv").write_text(LEADS, encoding="utf-8")
    called(folder, program, "import", "leads", "leads.csv")
    called(folder, program, "run", "daily_leads", "--partition", "2024-01-15")
    listed = called(folder, program, "artifacts", "daily_leads")
    assert "2024-01-15" in listed
    (manifest,) = (folder / ".export_pipelines" / "artifacts").rglob("manifest.json")
    artifact = str(manifest.parent.relative_to(folder / ".export_pipelines" / "artifacts"))
    called(folder, program, "verify", artifact)
    assert list((folder / ".export_pipelines" / "delivered" / "daily_leads").rglob("*.csv.gz"))
