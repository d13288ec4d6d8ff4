import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.s3 import Access, open_bucket
from export_pipelines_servers.local import BUCKET, free_ports, local_servers
from export_pipelines_servers.s3 import KEY, SECRET
from export_pipelines_tests.conftest import DAILY, REPOSITORY, Answer, Project

Terminal = Callable[..., Answer]

MONTHLY = DAILY.replace("partition: daily\nschedule: daily at 02:00", "partition: monthly")
WHOLE = "type: lead\nformat: json\nfields: [lead_id, comments]\n"
BROKEN = "type: lead\nformat: csv\nfields: [lead_id, emial]\n"


def data(answer: Answer) -> Any:
    """What a program reads of `--json`: all of stdout."""
    assert answer.code == 0, answer.stderr
    return json.loads(answer.stdout)


def delivered(project: Project, day: str) -> list[dict[str, str]]:
    path = project.home / "delivered" / "daily" / day / "leads_part_1.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- looking ---------------------------------------------------------------------------------------------------


def test_help_names_every_command(terminal: Terminal) -> None:
    text = terminal("--help").stdout
    for name in ("demo", "run", "backfill", "artifacts", "verify", "deliveries", "deliver", "detokenize", "list", "fields", "check", "plan", "preview", "schema", "version", "sample", "import"):  # fmt: skip
        assert f"│ {name} " in text


def test_list_shows_broken_definitions_beside_the_others(terminal: Terminal, project: Project) -> None:
    project.write("broken", BROKEN)
    answer = terminal("list")
    assert answer.code == 0
    rows = answer.stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["name", "broken", "daily"]
    assert 'exports/broken.yaml:3: unknown field "emial"; did you mean "email"?' in rows[1]
    assert "1 definition broken" in answer.stderr


def test_list_as_json(terminal: Terminal, project: Project) -> None:
    project.write("broken", BROKEN)
    broken, daily = data(terminal("list", "--json"))
    assert broken["name"] == "broken" and len(broken["faults"]) == 1
    assert (daily["name"], daily["format"], daily["schedule"], daily["faults"]) == (
        "daily",
        "csv",
        "0 2 * * *",
        [],
    )


def test_fields_shows_types_privacy_and_what_remains(terminal: Terminal) -> None:
    answer = terminal("fields", "leads")
    (email,) = [line for line in answer.stdout.splitlines() if line.startswith("email ")]
    remains = ["domain", "host", "tld", "valid"]
    assert email.split() == ["email", "email", "(text)", "direct,", "open", "Person", "user", "domain", "host", "tld", "is_free", "is_disposable", "valid", *remains, *remains]  # fmt: skip
    (phone,) = [line for line in answer.stdout.splitlines() if line.startswith("phone_1 ")]
    assert phone.endswith(
        "  area exchange country_code type is_tollfree valid  area country_code type is_tollfree valid"
    )
    (dob,) = [line for line in answer.stdout.splitlines() if line.startswith("dob ")]
    assert "direct" in dob and "open" not in dob
    (ssn,) = [line for line in answer.stdout.splitlines() if line.startswith("ssn ")]
    assert "never exported" in ssn


def test_fields_as_json(terminal: Terminal) -> None:
    fields = {one["id"]: one for one in data(terminal("fields", "--json"))}
    assert fields["revenue"]["kind"] == "decimal" and fields["lead_id"]["required"] is True
    parts = {part.pop("id"): part for part in fields["phone_1"]["components"]}
    assert parts["phone_1.exchange"] == {
        "kind": "text",
        "remains_when_hidden": True,
        "remains_when_masked": False,
    }
    assert (fields["phone_1"]["open"], fields["dob"]["open"], fields["reason"]["open"]) == (
        True,
        False,
        False,
    )


def test_schema_is_a_json_schema(terminal: Terminal) -> None:
    assert data(terminal("schema"))["type"] == "object"


def test_version_is_the_installed_one(terminal: Terminal) -> None:
    assert terminal("version").stdout.startswith("export-pipelines 0.1.0\n")


# --- plan and preview ------------------------------------------------------------------------------------------


def test_plan_shows_what_a_run_would_do(terminal: Terminal, project: Project) -> None:
    before = project.tree(ledger=False)
    answer = terminal("plan", "daily", "--partition", "2024-01-15")
    assert answer.code == 0, answer.stderr
    for text in ("SELECT", "[2024-01-15T00:00:00.000Z, 2024-01-16T00:00:00.000Z)", "masked", "leads_part_1.csv", "{{export}}/{{date}}", "rows         10"):  # fmt: skip
        assert text in answer.stdout
    assert project.tree(ledger=False) == before


@pytest.mark.parametrize(
    "asked",
    [
        "where: {email: jane.roe@example.com}",
        "rules: [{lhv: email.user, op: matches pattern, rhv: 'jane.roe'}]",
    ],
)
def test_plan_shows_no_personal_value_that_is_asked_for(
    terminal: Terminal, project: Project, asked: str
) -> None:
    project.write(
        "asked", f"type: lead\nformat: csv\nfields: [lead_id]\npartition: daily\nfilter:\n  {asked}\n"
    )
    for json_too in ((), ("--json",)):
        answer = terminal("plan", "asked", "--partition", "2024-01-15", *json_too)
        assert answer.code == 0, answer.stderr
        assert "jane" not in answer.stdout
        assert "***" in answer.stdout


def test_plan_of_few_rows_tells_the_bytes_that_the_run_then_writes(terminal: Terminal) -> None:
    planned = data(terminal("plan", "daily", "--partition", "2024-01-15", "--json"))
    made = data(terminal("run", "daily", "--partition", "2024-01-15", "--json"))["artifacts"][0]
    assert (planned["rows"], planned["bytes"], planned["raw_bytes"]) == (
        made["rows"], made["bytes"], made["raw_bytes"],
    )  # fmt: skip


def test_plan_of_an_empty_window_has_no_rows(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    planned = data(terminal("plan", "whole", "--start", "2019-01-01", "--end", "2020-01-01", "--json"))
    assert planned["rows"] == 0


def test_preview_shows_masked_rows_and_writes_nothing(terminal: Terminal, project: Project) -> None:
    before = project.tree(ledger=False)
    rows = data(terminal("preview", "daily", "--partition", "2024-01-15", "--json"))
    assert len(rows) == 10 and project.tree(ledger=False) == before
    terminal("run", "daily", "--partition", "2024-01-15")
    assert delivered(project, "2024-01-15") == rows
    assert all("***" in row["email"] for row in rows if row["email"])


def test_preview_stops_at_20_rows(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    assert len(data(terminal("preview", "whole", "--json"))) == 20


def test_no_value_of_a_lead_drives_the_terminal(terminal: Terminal, project: Project) -> None:
    project.write("whole", WHOLE)
    answer = terminal("preview", "whole")
    assert not [sign for sign in answer.stdout if ord(sign) < 32 and sign != "\n"]


# --- run, backfill, artifacts ----------------------------------------------------------------------------------


def test_run_delivers_the_partition_and_tells_where(terminal: Terminal, project: Project) -> None:
    answer = terminal("run", "daily", "--partition", "2024-01-15")
    assert answer.code == 0, answer.stderr
    assert "10 rows" in answer.stdout
    assert "  home/delivered/daily/2024-01-15/leads_part_1.csv" in answer.stdout.splitlines()
    assert len(delivered(project, "2024-01-15")) == 10


def test_run_tells_where_an_artifact_lies_that_goes_nowhere(terminal: Terminal, project: Project) -> None:
    project.write("other", WHOLE)
    answer = terminal("run", "other")
    (place,) = [line.strip() for line in answer.stdout.splitlines() if line.startswith("  ")]
    assert answer.code == 0 and (Path(place) / "manifest.json").is_file()


def test_run_without_a_window_takes_the_last_complete_one(terminal: Terminal, project: Project) -> None:
    answer = terminal("run", "daily")
    assert answer.code == 0 and "window 2024-02-04" in answer.stderr
    assert len(delivered(project, "2024-02-04")) == 10


def test_run_between_two_days_is_one_artifact(terminal: Terminal) -> None:
    made = data(terminal("run", "daily", "--start", "2024-01-03", "--end", "2024-01-06", "--json"))
    (artifact,) = made["artifacts"]
    assert (artifact["rows"], artifact["window"]["key"]) == (30, "2024-01-03_2024-01-06")


def test_run_writes_only_below_home(terminal: Terminal, project: Project) -> None:
    before = set(project.tree())
    terminal("run", "daily", "--partition", "2024-01-15")
    assert {path.split("/")[0] for path in set(project.tree()) - before} == {"home"}


def test_backfill_writes_an_artifact_for_each_partition(terminal: Terminal) -> None:
    assert terminal("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12").code == 0
    listed = data(terminal("artifacts", "--json"))
    assert [one["window"]["key"] for one in listed] == ["2024-01-12", "2024-01-11", "2024-01-10"]


def test_backfill_names_the_partitions_that_failed_and_keeps_the_others(
    terminal: Terminal, project: Project
) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    answer = terminal("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
    assert answer.code == 1
    assert (
        "error: 2024-01-11: " in answer.stderr and "a file stands where a folder has to be" in answer.stderr
    )
    assert "error: 1 of 3 partitions failed: 2024-01-11" in answer.stderr
    assert [len(delivered(project, day)) for day in ("2024-01-10", "2024-01-12")] == [10, 10]


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


def made_artifact(terminal: Terminal) -> str:
    made = data(terminal("run", "daily", "--partition", "2024-01-15", "--json"))
    return str(made["artifacts"][0]["artifact"])


# --- leads -----------------------------------------------------------------------------------------------------


def test_sample_leads_fill_an_empty_store_once(terminal: Terminal, project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    assert terminal("sample", "leads", "--count", "60", "--days", "6").code == 0
    planned = data(terminal("plan", "daily", "--partition", "2024-01-02", "--json"))
    assert planned["rows"] == 10
    again = terminal("sample", "leads", "--count", "60")
    assert again.code == 2 and "holds leads already" in again.stderr
    assert terminal("sample", "leads", "--count", "60", "--days", "6", "--replace").code == 0


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_an_import_of_which_every_row_is_rejected_fails(
    terminal: Terminal, project: Project, json: tuple[str, ...]
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_text("When,Mail\nnever,a@example.com\nsoon,b@example.com\n")
    answer = terminal(
        "import", "leads", str(file), "--map", "When=submitted_at", "--map", "Mail=email", *json
    )
    assert answer.code == 1 and "2" in answer.stdout
    assert (project.home / "rejects" / "mine.csv").is_file()
    file.write_text("When,Mail\n")
    assert terminal("import", "leads", str(file), "--map", "When=submitted_at").code == 0


def test_an_imported_file_can_be_exported_with_its_own_columns(terminal: Terminal, project: Project) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_text("When,Mail,Shoe size\n2024-01-15,a@example.com,44\nnever,b@example.com,45\n")
    answer = terminal("import", "leads", str(file), "--map", "When=submitted_at", "--map", "Mail=email")
    assert answer.code == 0, answer.stderr
    assert "1 lead loaded of 2 rows" in answer.stdout and "1 row rejected" in answer.stdout
    rejected = (project.home / "rejects" / "mine.csv").read_text()
    assert '3,"When: not a timestamp' in rejected
    project.write("mine", "type: lead\nformat: csv\nfields: [email, custom.shoe_size]\npartition: daily\n")
    rows = data(terminal("preview", "mine", "--partition", "2024-01-15", "--json"))
    assert rows == [{"email": "a@example.com", "custom_shoe_size": "44"}]


def test_a_dry_run_of_an_import_shows_how_the_file_is_read_and_writes_nothing(
    terminal: Terminal, project: Project
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_bytes(
        "WHEN;E-Mail;Größe\n31/1/2024;zoë@example.com;44\nnever;ann@example.com;45\n".encode("utf-16")
    )
    before = sorted(project.folder.rglob("*"))
    words = ("import", "leads", str(file), "--map", "when=submitted_at")
    answer = terminal(*words, "--dry-run")
    assert answer.code == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "1 lead would be loaded of 2 rows",
        "1 row would be rejected",
        "line 3: WHEN: not a timestamp: 2024-01-15 or 2024-01-15T10:30:45.123Z",
        "column  field         by",
        "WHEN    submitted_at  similar header in the mapping (guessed)",
        "E-Mail  email         similar to the name of the field (guessed)",
        "Größe   custom.groe   new field",
    ]
    assert answer.stderr.splitlines() == [
        "read as utf-16, with a semicolon between cells (encoding and delimiter guessed)",
        'dates of "WHEN" are read day first, as line 2 tells',
    ]
    assert sorted(project.folder.rglob("*")) == before
    found = data(terminal(*words, "--dry-run", "--json"))
    assert found["columns"][1:] == [
        {"header": "E-Mail", "field": "email", "match": "similar to the name of the field", "guessed": True},
        {"header": "Größe", "field": "custom.groe", "match": "new field", "guessed": False},
    ]
    assert found["form"] == {"encoding": "utf-16", "delimiter": ";", "guessed": ["encoding", "delimiter"]}
    assert found["first_rejects"] == [[3, "WHEN: not a timestamp: 2024-01-15 or 2024-01-15T10:30:45.123Z"]]


@pytest.mark.parametrize(
    ("content", "option", "told"),
    [
        (
            "when,first name\n2024-01-15,Mu\xf1oz\n2024-01-16,Fran\xe8ois\n",
            ("--encoding", "latin-1"),
            "read as iso8859-1",
        ),
        ("when;x,y\n2024-01-15;5,6\n", ("--delimiter", ";"), "with a semicolon"),
        ("when,x\n1/2/2024,5\n", ("--dates", "day first"), "read day first"),
    ],
)
def test_what_cannot_be_told_is_refused_until_it_is_said(
    terminal: Terminal, project: Project, content: str, option: tuple[str, str], told: str
) -> None:
    project.environment["EXPORT_PIPELINES_SOURCE_URL"] = f"sqlite:///{project.home / 'own.db'}"
    file = project.folder / "mine.csv"
    file.write_bytes(content.encode("latin-1"))
    words = ("import", "leads", str(file), "--map", "when=submitted_at")
    refused = terminal(*words)
    assert refused.code == 2 and "cannot be told" in refused.stderr and option[0] in refused.stderr
    answer = terminal(*words, *option)
    assert answer.code == 0 and told in answer.stderr
    assert terminal(*words, option[0], "no such").code == 2


# --- demo ------------------------------------------------------------------------------------------------------


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
