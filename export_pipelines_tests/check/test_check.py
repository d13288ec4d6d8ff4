from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.check import CheckFault, check_all
from export_pipelines.definition import load_definitions
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.key_versions import PREFIX
from export_pipelines_servers.local import free_ports, local_servers
from export_pipelines_tests.conftest import DAILY, REPOSITORY, Project

KEY = "a key that is no secret, of 32 bytes and more"


def every_fault(project: Project, **asked: Any) -> list[CheckFault]:
    catalog = load_catalog(None)
    return check_all(
        project.settings, catalog, load_definitions(project.settings.definitions, catalog), **asked
    )


def check(
    project: Project, *names: str, connect: bool = False, now: datetime | None = None
) -> list[CheckFault]:
    """All but notes."""
    clock = {"now": lambda: now} if now else {}
    faults = every_fault(project, names=names, connect=connect, **clock)
    return [fault for fault in faults if fault.severity != "note"]


def with_path(path: str, yaml: str = DAILY) -> str:
    return yaml.replace("{{export}}/{{date}}", path)


def weekly(yaml: str) -> str:
    return yaml.replace("partition: daily\nschedule: daily at 02:00", "partition: weekly")


def monthly(yaml: str) -> str:
    return yaml.replace("partition: daily\nschedule: daily at 02:00", "partition: monthly")


def test_good_exports_have_no_faults(project: Project) -> None:
    assert check(project, connect=True) == []


def test_the_shipped_examples_have_no_faults(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports()
    for path in (REPOSITORY / "exports").glob("*.yaml"):
        project.write(path.stem, ports.put_into(path.read_text(encoding="utf-8")))
    with local_servers(tmp_path / "servers", ports) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        project.environment.update({**variables, "EXPORT_PIPELINES_HASH_KEY": KEY})
        faults = check(project, connect=True)
    assert {fault.name for fault in faults} == {"event_archive", "live_recipient_events"}
    assert all(
        fault.severity == "warning" and "a transaction longer than 10 s is lost" in fault.text
        for fault in faults
    )


def test_every_fault_of_every_broken_definition_is_told(project: Project) -> None:
    project.write("one", "type: lead\nformat: csv\nfields: [emial]\nfeilds: all\n")
    project.write("two", "type: [\n")
    faults = check(project)
    assert [fault.name for fault in faults] == ["one", "one", "two"]
    assert {fault.severity for fault in faults} == {"error"}


def test_faults_of_a_file_are_sorted_by_line_number(project: Project) -> None:
    yaml = "type: lead\nformat: csv\n" + "".join(f"bad_{n}: 1\n" for n in range(3, 103))
    project.write("wrong", yaml)
    lines = [int(fault.text.split(":")[1]) for fault in check(project, "wrong")]
    assert lines == list(range(3, 103))


def test_only_the_exports_asked_for_are_told(project: Project) -> None:
    project.write("one", "type: lead\nformat: cvs\n")
    project.write("two", "type: lead\nformat: cvs\n")
    assert [fault.name for fault in check(project, "two", "daily")] == ["two"]


def test_an_unknown_name_is_refused(project: Project) -> None:
    with pytest.raises(RequestError, match='unknown export "dialy"; did you mean "daily"'):
        check(project, "dialy")


def test_a_missing_folder_is_refused(project: Project) -> None:
    project.environment["EXPORT_PIPELINES_DEFINITIONS"] = "nowhere"
    with pytest.raises(SettingsError, match="cannot read the folder of exports"):
        check(project)


def test_a_missing_key_is_a_fault_of_its_export_only(project: Project) -> None:
    project.write("hashed", DAILY.replace("email: mask", "email: hash"))
    (fault,) = check(project)
    assert (fault.name, fault.severity) == ("hashed", "error")
    assert "hash needs the key EXPORT_PIPELINES_HASH_KEY" in fault.text
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = KEY
    assert check(project) == []


def test_a_key_in_home_is_at_hand(project: Project) -> None:
    project.write("hashed", DAILY.replace("email: mask", "email: hash"))
    (project.home / "keys").mkdir(parents=True)
    (project.home / "keys" / "hash_key").write_text(f"{KEY}\n")
    assert check(project) == []


def test_two_exports_of_different_cadence_that_would_meet_are_both_named(project: Project) -> None:
    project.write("daily", with_path("backup/{{date}}"))
    project.write("weekly", weekly(with_path("backup/{{start}}")))
    daily, other = check(project)
    assert (daily.name, other.name) == ("daily", "weekly")
    assert "deliver: weekly writes the same files into" in daily.text and "exports/daily.yaml:" in daily.text
    assert "deliver: daily writes the same files into" in other.text and "exports/weekly.yaml:" in other.text


def test_two_exports_in_one_folder_under_other_names_may_meet(project: Project) -> None:
    project.write("daily", with_path("backup/{{date}}"))
    project.write("weekly", weekly(with_path("backup/{{start}}")) + 'naming: "week_{{part}}.{{ext}}"\n')
    assert check(project) == []


@pytest.mark.parametrize(
    ("yaml", "path"),
    [
        (DAILY, "backup"),
        (DAILY, "{{year}}/{{month}}"),
        (DAILY, "{{year}}/{{day}}"),
        (DAILY, "{{month}}/{{day}}"),
        (weekly(DAILY), "{{year}}/{{month}}"),
        (weekly(DAILY), "{{year}}/{{day}}"),
        (weekly(DAILY), "{{month}}/{{day}}"),
        (monthly(DAILY), "{{year}}"),
        (monthly(DAILY), "{{month}}"),
    ],
)
def test_windows_that_would_write_the_same_path_are_a_warning(project: Project, yaml: str, path: str) -> None:
    project.write("daily", with_path(path, yaml))
    (fault,) = check(project)
    assert fault.severity == "warning" and "both write" in fault.text and "replace the other" in fault.text


@pytest.mark.parametrize("path", ["{{date}}", "{{key}}", "{{year}}/{{month}}/{{day}}", "{{run}}"])
def test_windows_with_a_path_of_their_own_are_no_warning(project: Project, path: str) -> None:
    for yaml in (DAILY, weekly(DAILY), monthly(DAILY)):
        project.write("daily", with_path(path, yaml))
        assert check(project) == []


def test_the_date_may_stand_in_the_name_instead_of_the_path(project: Project) -> None:
    project.write("daily", with_path("backup") + 'naming: "leads_{{date}}_{{part}}.{{ext}}"\n')
    assert check(project) == []


def test_versions_lie_beside_each_other_without_a_warning(project: Project) -> None:
    project.write("daily", DAILY.replace('"{{export}}/{{date}}"', "backup, overwrite: version"))
    assert check(project) == []


@pytest.mark.parametrize(
    ("entry", "then"),
    [
        ('path: "{{export}}/{{date}}"', "replaces those"),
        ('path: "{{export}}/{{date}}", overwrite: never', "is refused because of those"),
    ],
)
def test_a_version_that_writes_over_the_one_before_is_a_warning(
    project: Project, entry: str, then: str
) -> None:
    yaml = DAILY.replace('path: "{{export}}/{{date}}"', entry)
    project.write("daily", yaml)
    assert check(project) == []
    project.write("daily", yaml + "version: 2\n")
    (fault,) = check(project)
    assert fault.severity == "warning" and "exports/daily.yaml:" in fault.text
    assert f"into daily/{{{{date}}}} as version 1, and {then}" in fault.text
    assert "put {{version}} into the path or the naming" in fault.text


@pytest.mark.parametrize(
    "more",
    ['path: "{{export}}/{{date}}/v{{version}}"', 'path: "{{run}}"', 'path: "{{date}}", overwrite: version'],
)
def test_a_version_with_a_place_of_its_own_is_no_warning(project: Project, more: str) -> None:
    project.write("daily", DAILY.replace('path: "{{export}}/{{date}}"', more) + "version: 2\n")
    assert check(project) == []


def test_a_version_may_stand_in_the_name_of_the_files(project: Project) -> None:
    project.write("daily", DAILY + 'version: 2\nnaming: "v{{version}}_{{part}}.{{ext}}"\n')
    assert check(project) == []


def test_a_path_inside_the_artifact_store_is_a_fault(project: Project) -> None:
    project.write("daily", with_path(f"{project.home}/artifacts/{{{{date}}}}"))
    (fault,) = check(project)
    assert fault.severity == "error" and "lies inside the artifact store" in fault.text


TO_PARTNER = """\
type: lead
format: csv
fields: [lead_id, state]
partition: daily
start: 2024-01-01
deliver:
  - folder: {path: "{{export}}/{{date}}"}
  - sftp:
      host: sftp.evil.example
      user: acme
      password: {env: PARTNER_PASSWORD}
      host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz
      path: "leads/{{date}}"
  - email: {to: [a@example.com, b@evil.example], subject: "{{date}}", smtp: {env: PARTNER_SMTP}}
"""


def test_what_the_operator_does_not_allow_is_told_with_its_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    project.write("partner", TO_PARTNER)
    (project.folder / "allowed.yaml").write_text(
        "variables: [PARTNER_PASSWORD]\nhosts: ['*.example.com']\nmail_domains: [example.com]\n"
    )
    assert [fault.text for fault in check(project)] == [
        'exports/partner.yaml:9: deliver.1.sftp.host: allowed.yaml does not allow the host "sftp.evil.example"; '
        "allowed: *.example.com (the operator lists it under `hosts`)",
        'exports/partner.yaml:14: deliver.2.email.smtp: allowed.yaml does not allow the variable "PARTNER_SMTP"; '
        "allowed: PARTNER_PASSWORD (the operator lists it under `variables`)",
        'exports/partner.yaml:14: deliver.2.email.to: allowed.yaml does not allow the mail domain "evil.example"; '
        "allowed: example.com (the operator lists it under `mail_domains`)",
    ]


def test_a_project_without_a_list_is_told_so_and_is_not_at_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    access, note = every_fault(project)
    assert (access.name, access.severity) == ("access", "note")
    assert access.text.startswith("there is no access.yaml, so whoever reaches this program may export")
    assert (note.name, note.severity) == ("allowed", "note")
    assert note.text.startswith("there is no allowed.yaml, so exports may name any variable, file, host,")
    (project.folder / "allowed.yaml").write_text("hosts: [example.com]\n")
    assert every_fault(project) == [access]


def test_a_list_that_is_wrong_is_one_fault_with_its_line(project: Project) -> None:
    project.write("partner", TO_PARTNER)
    (project.folder / "allowed.yaml").write_text("hosts: [a]\nhost: [b]\n")
    (fault,) = check(project)
    assert (fault.name, fault.severity) == ("allowed", "error")
    assert 'allowed.yaml:2: unknown key "host"; did you mean "hosts"?' in fault.text
    (project.folder / "allowed.yaml").unlink()
    project.environment["EXPORT_PIPELINES_ALLOWED"] = "allowed.yaml"
    (fault,) = check(project)
    assert "allowed.yaml: cannot read the file: No such file" in fault.text


@pytest.mark.parametrize(
    ("entry", "setting"),
    [
        ("email: {to: ruth@acme.example, from: exports@example.com, send: link}", "email.send"),
        ('email: {to: ruth@acme.example, from: exports@example.com, body: "{{link}}"}', "email.body"),
        ("email: {to: ruth@acme.example, from: exports@example.com, over_limit: link}", "email.over_limit"),
        ("webhook: {url: https://acme.example/in, send: notice}", "webhook.send"),
    ],
)
def test_a_link_without_a_public_url_is_refused_with_file_and_line(
    project: Project, entry: str, setting: str
) -> None:
    path = project.write("daily", f"{DAILY.partition('deliver:')[0].rstrip()}\ndeliver:\n  - {entry}\n")
    line = path.read_text().splitlines().index(f"  - {entry}") + 1
    project.environment[f"{PREFIX}SMTP_URL"] = "smtp://localhost"
    (fault,) = check(project)
    assert fault.severity == "error"
    assert f"exports/daily.yaml:{line}" in fault.text and f"deliver.{setting}: " in fault.text
    assert "EXPORT_PIPELINES_PUBLIC_URL" in fault.text
    project.environment[f"{PREFIX}PUBLIC_URL"] = "https://exports.example.com"
    assert not [fault for fault in check(project) if "link" in fault.text]
