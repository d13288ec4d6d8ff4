"""One file for an auditor: the commands on its page verify it, and show what was changed."""

import re
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from export_pipelines_tests.cli.answers import Terminal
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.erasure.conftest import sealed  # noqa: F401
from export_pipelines_tests.erasure.erasing import NEXT, delivered, ledger_of, run

OK = "Signature Verified Successfully"


@pytest.fixture
def artifact(sealed: Project, terminal: Terminal) -> str:  # noqa: F811
    """One with entries of its life, and of others', in the audit."""
    made, other = run(sealed), run(sealed, day=NEXT)
    assert terminal("hold", made, "--reason", "claim").code == 0
    assert terminal("hold", other, "--reason", "claim").code == 0
    assert terminal("hold", made, "--release").code == 0
    return made


def unpacked(terminal: Terminal, artifact: str, folder: Path) -> Path:
    file = folder / "evidence.zip"
    answer = terminal("evidence", artifact, "-o", str(file))
    assert answer.code == 0, answer.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    place = folder / "unpacked"
    shutil.rmtree(place, ignore_errors=True)
    with ZipFile(file) as archive:
        archive.extractall(place)
    file.unlink()
    return place


def steps(place: Path) -> list[str]:
    """The commands of the page, one text for each of its steps."""
    page = (place / "README.txt").read_text()
    blocks = re.findall(r"((?:^    .*\n)+)", page, re.MULTILINE)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]


def said(place: Path, step: str, files: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "-e", "-c", step],
        cwd=place,
        env={"PATH": "/usr/bin:/bin", "FILES": str(files), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def failing(place: Path, files: Path) -> list[int]:
    """The numbers of the steps that do not succeed."""
    return [number for number, step in enumerate(steps(place), start=1) if said(place, step, files)[0] != 0]


def test_the_commands_of_its_page_verify_it(
    sealed: Project,  # noqa: F811
    terminal: Terminal,
    artifact: str,
    tmp_path: Path,
) -> None:
    place = unpacked(terminal, artifact, tmp_path)
    answers = [said(place, step, delivered(sealed)) for step in steps(place)]
    assert [code for code, _ in answers] == [0] * 5
    texts = [text for _, text in answers]
    assert len(texts[0].split()[0]) == 64
    assert "README.txt: OK" in texts[1] and OK in texts[1]
    assert OK in texts[2]
    assert texts[3] == "audit.txt: OK\n"
    assert texts[4] == "leads_part_1.csv: OK\n"


def test_it_holds_the_life_of_the_artifact(
    sealed: Project,  # noqa: F811
    terminal: Terminal,
    artifact: str,
    tmp_path: Path,
) -> None:
    place = unpacked(terminal, artifact, tmp_path)
    entries = {entry.id: entry for entry in ledger_of(sealed).audit()}
    own = [int(line) for line in (place / "audit_of_artifact.txt").read_text().split()]
    assert own == [id for id, entry in entries.items() if entry.subject == artifact]
    assert [entries[id].action for id in own][-2:] == ["hold", "hold"]
    (receipt,) = (place / "receipts").iterdir()
    sha256 = subprocess.run(
        ["sha256sum", "manifest.json"], cwd=place, capture_output=True, text=True, check=True
    )
    assert f'"sha256": "{sha256.stdout.split()[0]}"' in receipt.read_text()


@pytest.mark.parametrize(
    ("name", "old", "new", "steps_that_fail"),
    [
        ("manifest.json", b'"rows": ', b'"rows": 1', [2]),
        ("audit.txt", b'"hold"', b'"held"', [2, 4]),
        ("checkpoint.txt", b"\n", b"\n1", [2, 3, 4]),
        ("parts.sha256", b"leads_part_1.csv", b"leads_part_2.csv", [2, 5]),
        ("SHA256SUMS", b"README.txt", b"README.md", [2]),
    ],
)
def test_what_was_changed_shows(
    sealed: Project,  # noqa: F811
    terminal: Terminal,
    artifact: str,
    tmp_path: Path,
    name: str,
    old: bytes,
    new: bytes,
    steps_that_fail: list[int],
) -> None:
    place = unpacked(terminal, artifact, tmp_path)
    content = (place / name).read_bytes()
    assert old in content
    (place / name).write_bytes(content.replace(old, new))
    failed = failing(place, delivered(sealed))
    assert set(steps_that_fail) <= set(failed)
    if name == "manifest.json":
        assert failed == [2]


def test_a_line_that_was_taken_out_of_the_audit_shows(
    sealed: Project,  # noqa: F811
    terminal: Terminal,
    artifact: str,
    tmp_path: Path,
) -> None:
    place = unpacked(terminal, artifact, tmp_path)
    lines = (place / "audit.txt").read_text().splitlines(keepends=True)
    assert len(lines) >= 3
    for left_out in range(len(lines)):
        (place / "audit.txt").write_text("".join(lines[:left_out] + lines[left_out + 1 :]))
        assert 4 in failing(place, delivered(sealed))


def test_of_an_erased_artifact_it_holds_the_record(terminal: Terminal, artifact: str, tmp_path: Path) -> None:
    assert terminal("erase", artifact, "--yes").code == 0
    place = unpacked(terminal, artifact, tmp_path)
    assert not (place / "manifest.json").exists()
    assert "was erased" in (place / "README.txt").read_text()
    assert '"erased"' in (place / "audit.txt").read_text()
    assert failing(place, place) == [5]


def test_without_a_key_an_artifact_or_a_sound_audit_there_is_none(
    sealed: Project,  # noqa: F811
    terminal: Terminal,
    artifact: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "evidence.zip"
    assert terminal("evidence", "daily/2024-01-15/20240101T000000Z-0a1b2c", "-o", str(file)).code == 2
    with ledger_of(sealed).engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE id = 1")
    answer = terminal("evidence", artifact, "-o", str(file))
    assert answer.code == 2 and "the audit does not hold: entry 1" in answer.stderr
    del sealed.environment["EXPORT_PIPELINES_AUDIT_KEY"]
    sealed.environment["EXPORT_PIPELINES_AUDIT_KEY"] = ""
    assert terminal("evidence", artifact, "-o", str(file)).code == 2
    assert not file.exists()
