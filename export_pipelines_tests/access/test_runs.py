"""access.yaml at the doors of today: what a run, a plan and a preview give whom."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from export_pipelines.project import Project as Opened
from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.conftest import Answer, Project

Terminal = Callable[..., Answer]
JANUARY = ("--partition", "2024-01-01")


def artifact(project: Project) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The manifest and the rows of the one artifact there is."""
    (file,) = (project.home / "artifacts").rglob("manifest.json")
    manifest = json.loads(file.read_text())
    rows = [
        row
        for part in manifest["parts"]
        for row in csv.DictReader(io.StringIO((file.parent / part["name"]).read_text()))
    ]
    return manifest, rows


def test_whoever_may_everything_gets_what_the_owner_gets(guarded: Project, terminal: Terminal) -> None:
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 0
    manifest, rows = artifact(guarded)
    assert {"Auto insurance"} < {row["flow_name"] for row in rows}
    assert all("first_name" in row for row in rows) and any("@" in row["email"] for row in rows)
    assert manifest["rights"]["asker"] == "boss" and manifest["rights"]["narrowed"] == []


def test_whoever_may_less_gets_the_narrower_file(guarded: Project, terminal: Terminal) -> None:
    answer = terminal("run", "leads", *JANUARY, "--as", "ana")
    assert answer.code == 0, answer.stderr
    manifest, rows = artifact(guarded)
    assert {row["flow_name"] for row in rows} == {"Auto insurance"}
    assert min(row["submitted_at"] for row in rows) >= "2024-01-06"  # 30 days before 2024-02-05
    assert list(rows[0]) == ["lead_id", "submitted_at", "flow_name", "email", "email_domain", "phone_1", "city", "state"]  # fmt: skip
    assert not any("@" in row["email"] for row in rows)
    masks = {one["id"]: one["mask"] for one in manifest["columns"]}
    assert (masks["email"], masks["phone_1"], masks["city"], masks["state"]) == ("hash", "mask", "mask", None)
    rights = manifest["rights"]
    assert (rights["owner"], rights["owner_role"]) == ("boss", "operator")
    assert (rights["asker"], rights["asker_role"]) == ("ana", "analyst")
    assert rights["narrowed"] == [
        "first_name is removed",
        "email: hash instead of keep",
        "phone_1: mask instead of keep",
        "city: mask instead of keep",
        "flows other than Auto insurance",
        "rows before 2024-01-06T00:00:00.000Z",
        "more than 100,000 rows",
    ]


def test_a_narrower_file_stands_beside_the_owners_and_is_not_the_partitions(
    guarded: Project, terminal: Terminal
) -> None:
    guarded.write("leads", LEADS + 'deliver: [{folder: {path: "{{export}}/{{date}}"}}]\n')
    anywhere = ACCESS.replace("min_group: 5\n", 'min_group: 5\n      destinations: {folder: ["*"]}\n')
    (guarded.folder / "access.yaml").write_text(anywhere, encoding="utf-8")
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 0
    places = {path.parent for path in (guarded.home / "delivered").rglob("*.csv")}
    whole = {path: path.read_bytes() for path in (guarded.home / "delivered").rglob("*") if path.is_file()}
    owners = Opened.open(guarded.folder, guarded.environment).manifest("leads/2024-01-01")
    assert terminal("run", "leads", *JANUARY, "--as", "ana").code == 0
    assert {path: path.read_bytes() for path in whole} == whole
    (narrow,) = {path.parent for path in (guarded.home / "delivered").rglob("*.csv")} - places
    assert narrow.name.rpartition("_")[0].endswith("_for")
    project = Opened.open(guarded.folder, guarded.environment)
    assert project.manifest("leads/2024-01-01") == owners
    narrower = next(manifest for manifest in project.store.manifests("leads") if not manifest.is_usual)
    assert terminal("deliver", narrower.artifact, "--again", "--as", "boss").code == 0
    assert {path: path.read_bytes() for path in whole} == whole


def test_plan_tells_who_which_role_and_what_was_narrowed(guarded: Project, terminal: Terminal) -> None:
    told = terminal("plan", "leads", *JANUARY, "--as", "bo").stdout
    assert "rights       owner boss as operator, asked for by bo as analyst" in told
    assert "not given    email: hash instead of keep" in told
    assert 'and flow is one of "Auto insurance" (by right)' in told


def test_preview_shows_what_a_run_would_write(guarded: Project, terminal: Terminal) -> None:
    rows = json.loads(terminal("preview", "leads", *JANUARY, "--as", "ana", "--json").stdout)
    assert rows and {row["flow_name"] for row in rows} == {"Auto insurance"}
    assert "first_name" not in rows[0] and not any("@" in row["email"] for row in rows)


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        ("run", "rita", 'rita has no role with the permission "create"'),
        ("preview", "rita", 'rita has no role with the permission "create"'),
        ("run", "gone", "the rights of gone expired after 2024-01-31"),
        ("run", "anna", 'unknown principal "anna"; did you mean "ana"?'),
        ("run", "team:data", '"team:data" is a team, and teams do not ask'),
    ],
)
def test_who_may_not_is_refused(
    guarded: Project, terminal: Terminal, command: str, name: str, said: str
) -> None:
    answer = terminal(command, "leads", *JANUARY, "--as", name)
    assert answer.code == 2 and said in answer.stderr
    assert not (guarded.home / "artifacts").exists()


def test_a_user_whom_the_file_does_not_know_has_to_say_who_asks(guarded: Project, terminal: Terminal) -> None:
    answer = terminal("run", "leads", *JANUARY)
    assert answer.code == 2 and "say who asks: --as NAME" in answer.stderr


def test_whoever_may_only_view_sees_the_plan(guarded: Project, terminal: Terminal) -> None:
    assert terminal("plan", "leads", *JANUARY, "--as", "rita").code == 0


def test_as_without_a_policy_is_refused(terminal: Terminal) -> None:
    answer = terminal("plan", "daily", "--as", "ana")
    assert answer.code == 2 and "there is no access.yaml" in answer.stderr


def test_without_a_policy_the_record_says_so(project: Project, terminal: Terminal) -> None:
    assert terminal("run", "daily").code == 0
    assert artifact(project)[0]["rights"] == {"access": "one operator may do everything"}
    assert "access: no access.yaml, one operator may do everything" in terminal("version").stdout
    assert "note: there is no access.yaml" in terminal("check").stdout


def test_backfill_gives_each_partition_as_narrow(guarded: Project, terminal: Terminal) -> None:
    daily = LEADS.replace("partition: monthly", "partition: daily")
    guarded.write("leads", daily)
    answer = terminal("backfill", "leads", "--from", "2024-01-20", "--to", "2024-01-22", "--as", "ana")
    assert answer.code == 0, answer.stderr
    manifests = [json.loads(one.read_text()) for one in (guarded.home / "artifacts").rglob("manifest.json")]
    assert [manifest["rights"]["asker"] for manifest in manifests] == ["ana"] * 3
    assert all("first_name" not in [c["id"] for c in manifest["columns"]] for manifest in manifests)
    again = terminal("backfill", "leads", "--from", "2024-01-20", "--to", "2024-01-22", "--as", "ana")
    assert "skipped 3 partitions" in again.stderr


def test_a_limit_of_rows_cuts_the_file_in_the_query(guarded: Project, terminal: Terminal) -> None:
    file = guarded.folder / "access.yaml"
    file.write_text(ACCESS.replace("max_rows: 100000", "max_rows: 7"), encoding="utf-8")
    assert terminal("run", "leads", *JANUARY, "--as", "ana").code == 0
    manifest, rows = artifact(guarded)
    assert len(rows) == manifest["rows"] == 7
    assert "LIMIT 7" in terminal("plan", "leads", *JANUARY, "--as", "ana").stdout


def test_owner_who_may_less_than_the_export_asks_for_is_a_fault_at_check(
    guarded: Project, terminal: Terminal
) -> None:
    guarded.write("leads", LEADS.replace("owner: boss", "owner: ana"))
    told = terminal("check")
    assert told.code == 2
    who = "the owner ana as analyst (access.yaml:4) may not"
    file = "exports/leads.yaml"
    for line, text in (
        (4, "first_name is removed"),
        (4, "email: hash instead of keep"),
        (4, "phone_1: mask instead of keep"),
    ):
        assert f"error: {file}:{line}: {who}: {text}" in told.stdout
    run = terminal("run", "leads", *JANUARY, "--as", "boss")
    assert run.code == 2 and who in run.stderr


def test_an_export_without_an_owner_is_a_fault_at_check(guarded: Project, terminal: Terminal) -> None:
    guarded.write("leads", LEADS.replace("owner: boss\n", ""))
    told = terminal("check")
    assert told.code == 2 and "this export names no owner" in told.stdout
