"""access.yaml: every fault at once with its line and the nearest right word; whose roles somebody has."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from export_pipelines.access import Policy, grants_of, load_policy
from export_pipelines.access.load import PolicyFile
from export_pipelines.errors import DefinitionError, Denied, RequestError
from export_pipelines_tests.access.policies import ACCESS, CATALOG, policy_of

FEBRUARY = datetime(2024, 2, 5, 8, 30, tzinfo=UTC)

WRONG = """\
roles:
  analyst:
    permissions: [view, creat]
    scope:
      flow: [Auto insurance]
      types: [leads]
      pii: {default: remove, emial: hash, "phon_*": mask, email.domain: hash, ip: redact, ssn: keep}
      days_back: 0
      min_group: 1
      destinations: {ftp: [x]}
  nothing:
    permissions: []
principals:
  ana: {roles: [analist]}
  bo: {}
  cy: {roles: [analyst], members: [ana]}
  team:a: {roles: [analyst], members: [team:b]}
  team:b: {members: [team:c]}
  team:c: {members: [team:a, team:x], expires: 2024-02-30}
role: {}
"""


def faults(folder: Path, text: str) -> list[str]:
    file = folder / "access.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as found:
        load_policy(file, CATALOG)
    return [fault.partition("access.yaml:")[2] for fault in found.value.faults]


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    found = faults(tmp_path, WRONG)
    for line, text in (
        (3, 'unknown word "creat"; did you mean "create"?'),
        (5, 'unknown key "flow"; did you mean "flows"?'),
        (6, 'unknown word "leads"; did you mean "lead"?'),
        (7, 'unknown field, type or class "emial"; did you mean "email"?'),
        (7, 'unknown field, type or class "phon_*"'),
        (7, '"email.domain" names parts of values; allowed: keep, remove'),
        (7, '"ssn" is never exported; allowed: remove'),
        (8, "a number above 0 is expected"),
        (9, "a number above 1 is expected"),
        (10, 'unknown key "ftp"; did you mean "sftp"?'),
        (12, "a list of at least one is expected"),
        (14, 'unknown role "analist"; did you mean "analyst"?'),
        (15, "no role grants it anything"),
        (16, 'only a team has members; call it "team:cy"'),
        (17, "circular teams: team:a -> team:b -> team:c -> team:a"),
        (19, 'unknown principal "team:x"'),
        (19, "the date 2024-02-30 does not exist"),
        (20, 'unknown key "role"; did you mean "roles"?'),
    ):
        assert any(one.startswith(f"{line}: ") and text in one for one in found), (line, text, found)


def test_a_word_for_a_closed_type_cannot_be_redact(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, ACCESS.replace("email: hash", "dob: redact"))
    assert "a closed type has no text to redact" in fault


@pytest.mark.parametrize("text", ["", "roles: {}\nprincipals: {}\n", "[]", "roles: 1\nprincipals: [a]\n"])
def test_a_file_that_says_nothing_is_no_policy(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_without_the_file_there_is_no_policy_unless_it_is_named(tmp_path: Path) -> None:
    assert load_policy(tmp_path / "access.yaml", CATALOG) is None
    with pytest.raises(DefinitionError, match="cannot read the file"):
        load_policy(tmp_path / "access.yaml", CATALOG, demanded=True)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    policy_of(tmp_path)
    file = PolicyFile(tmp_path / "access.yaml", CATALOG)
    first = file.read()
    assert first and first is file.read()
    policy_of(tmp_path, ACCESS.replace("ana:", "anna:"))
    again = file.read()
    assert again and again.knows("anna") and not again.knows("ana")


def roles(policy: Policy, name: str, at: datetime = FEBRUARY) -> list[str]:
    return [grant.roles[0] for grant in grants_of(policy, name, at)]


def test_members_have_the_roles_of_their_teams_after_their_own(tmp_path: Path) -> None:
    text = ACCESS + "  cy: {roles: [reader]}\n  team:all: {roles: [operator], members: [team:data]}\n"
    policy = policy_of(tmp_path, text)
    assert roles(policy, "cy") == ["reader", "analyst", "operator"]
    assert roles(policy, "bo") == ["analyst", "operator"]


def test_rights_end_after_their_last_day(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)
    assert roles(policy, "gone", datetime(2024, 1, 31, 23, 59, tzinfo=UTC)) == ["operator"]
    with pytest.raises(Denied, match="expired after 2024-01-31"):
        roles(policy, "gone", datetime(2024, 2, 1, tzinfo=UTC))


def test_an_expired_team_gives_nothing_and_nor_do_those_behind_it(tmp_path: Path) -> None:
    text = ACCESS.replace("members: [bo, cy]", "members: [bo, cy], expires: 2024-02-04")
    text += "  team:all: {roles: [operator], members: [team:data]}\n"
    with pytest.raises(Denied, match="its teams have expired"):
        roles(policy_of(tmp_path, text), "bo")


def test_an_expired_principal_has_no_role_of_its_teams_either(tmp_path: Path) -> None:
    text = ACCESS + "  bo: {expires: 2024-02-04}\n"
    with pytest.raises(Denied, match="expired after 2024-02-04"):
        roles(policy_of(tmp_path, text), "bo")


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match='did you mean "ana"'):
        roles(policy_of(tmp_path), "anna")
