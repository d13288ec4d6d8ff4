"""Deliveries and artifacts at the terminal: listed, delivered again, verified."""

import json
from pathlib import Path

import pytest

from export_pipelines_tests.cli.answers import WHOLE, Terminal, data
from export_pipelines_tests.conftest import DAILY, Project


def test_deliveries_tells_what_went_where(terminal: Terminal, project: Project) -> None:
    terminal("run", "daily", "--partition", "2024-01-15")
    answer = terminal("deliveries")
    assert answer.code == 0
    (row,) = answer.stdout.splitlines()[1:]
    assert "delivered" in row and str(project.home / "delivered" / "daily" / "2024-01-15") in row
    (one,) = data(terminal("deliveries", "--export", "daily", "--json"))
    assert (one["state"], one["to"], [tried["outcome"] for tried in one["attempts"]]) == (
        "delivered",
        1,
        ["delivered"],
    )
    assert data(terminal("deliveries", "--failed", "--json")) == []


def test_deliver_sends_again_only_when_asked(terminal: Terminal, project: Project) -> None:
    terminal("run", "daily", "--partition", "2024-01-15")
    (one,) = data(terminal("deliveries", "--json"))
    file = project.home / "delivered" / "daily" / "2024-01-15" / "leads_part_1.csv"
    file.unlink()
    assert terminal("deliver", one["artifact"]).code == 0 and not file.exists()
    answer = terminal("deliver", one["artifact"], "--to", "1", "--again")
    assert answer.code == 0 and file.is_file()
    assert answer.stdout.strip().endswith("delivered/daily/2024-01-15/leads_part_1.csv")


def test_a_failed_delivery_is_told_with_the_command_that_mends_it(
    terminal: Terminal, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("x")
    project.write("daily", DAILY.replace("{{export}}/{{date}}", f"{tmp_path}/taken/{{{{date}}}}"))
    failed = terminal("run", "daily", "--partition", "2024-01-15")
    assert failed.code == 1 and "what was written is kept" in failed.stderr
    (one,) = data(terminal("deliveries", "--failed", "--json"))
    answer = terminal("deliveries", "--failed")
    command = f"deliver {one['artifact']} --to 1"
    assert "cannot make the folder to deliver into: Not a directory" in answer.stderr
    assert answer.stderr.strip().endswith(f"export-pipelines {command}")
    assert terminal(*command.split()).code == 1
    (tmp_path / "taken").unlink()
    assert terminal(*command.split()).code == 0
    assert data(terminal("deliveries", "--failed", "--json")) == []


def test_a_destination_that_is_not_there_is_told(terminal: Terminal) -> None:
    terminal("run", "daily", "--partition", "2024-01-15")
    (one,) = data(terminal("deliveries", "--json"))
    answer = terminal("deliver", one["artifact"], "--to", "2")
    assert answer.code == 2 and 'unknown destination "2"' in answer.stderr
    assert terminal("deliver", "daily/nope/x").code == 2
    assert terminal("deliveries", "--export", "dayly").code == 2


def test_artifacts_lists_rows_and_sizes(terminal: Terminal, project: Project) -> None:
    terminal("run", "daily", "--partition", "2024-01-15")
    header, row = terminal("artifacts", "daily").stdout.splitlines()
    assert header.split()[0] == "artifact" and row.startswith("daily/2024-01-15/20240205T083000Z-")
    project.write("other", WHOLE)
    assert terminal("artifacts", "other").stdout.startswith("no artifacts yet")
    unknown = terminal("artifacts", "dialy")
    assert unknown.code == 2
    assert 'unknown export "dialy"; did you mean "daily"?' in unknown.stderr


def test_verify_tells_a_whole_artifact(terminal: Terminal) -> None:
    artifact = made_artifact(terminal)
    assert terminal("verify", artifact).stdout.startswith(f"{artifact}: whole, 1 part, 10 rows")
    assert data(terminal("verify", artifact, "--json")) == {"artifact": artifact, "whole": True, "faults": []}


def test_verify_names_the_part_that_was_cut(terminal: Terminal, project: Project) -> None:
    artifact = made_artifact(terminal)
    part = project.home / "artifacts" / artifact / "leads_part_1.csv"
    part.write_bytes(part.read_bytes()[:-7])
    answer = terminal("verify", artifact)
    assert answer.code == 1 and f"error: {artifact}/leads_part_1.csv: cut" in answer.stderr
    again = terminal("verify", artifact, "--json")
    assert again.code == 1 and json.loads(again.stdout)["whole"] is False


def test_a_damaged_manifest_is_listed_as_damaged(terminal: Terminal, project: Project) -> None:
    artifact = made_artifact(terminal)
    (project.home / "artifacts" / artifact / "manifest.json").write_text("{}")
    (listed,) = data(terminal("artifacts", "--json"))
    assert listed["artifact"] == artifact and listed["damaged"]
    assert f"damaged: {artifact}" in terminal("artifacts").stderr


def test_a_window_names_its_newest_artifact(terminal: Terminal, project: Project) -> None:
    for day in ("2024-01-15", "2024-01-15", "2024-01-20"):
        assert terminal("run", "daily", "--partition", day).code == 0
    artifacts = [item["artifact"] for item in data(terminal("artifacts", "daily", "--json"))]
    newest = next(artifact for artifact in artifacts if "/2024-01-15/" in artifact)
    before = attempts(terminal)
    assert terminal("deliver", "daily/2024-01-15", "--again").code == 0
    assert attempts(terminal) == before | {newest: before[newest] + 1}
    assert data(terminal("verify", "daily/2024-01-15", "--json"))["artifact"] == newest
    (project.home / "artifacts" / newest / "manifest.json").write_text("{}")
    damaged = terminal("verify", "daily/2024-01-15")
    assert damaged.code == 1 and f"error: {newest}/manifest.json" in damaged.stderr


@pytest.mark.parametrize("command", ["verify", "deliver"])
def test_of_a_window_without_artifacts_none_of_another_is_named(terminal: Terminal, command: str) -> None:
    assert terminal("run", "daily", "--partition", "2024-01-20").code == 0
    (made,) = data(terminal("artifacts", "daily", "--json"))
    token = made["artifact"].rpartition("/")[2]
    for name in ("daily/2024-01-15", f"daily/2024-01-15/{token}"):
        answer = terminal(command, name)
        assert answer.code == 2 and "daily/2024-01-20" not in answer.stderr
        assert "export-pipelines artifacts" in answer.stderr


def attempts(terminal: Terminal) -> dict[str, int]:
    """How often each artifact was sent."""
    return {item["artifact"]: len(item["attempts"]) for item in data(terminal("deliveries", "--json"))}


def made_artifact(terminal: Terminal) -> str:
    made = data(terminal("run", "daily", "--partition", "2024-01-15", "--json"))
    return str(made["artifacts"][0]["artifact"])
