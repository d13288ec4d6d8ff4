"""The operator's list of what exports may name."""

from pathlib import Path

import pytest

from export_pipelines.definition.allowed import ANY, Allowed, load_allowed
from export_pipelines.definition.destinations.named import Kind
from export_pipelines.errors import DefinitionError

ROOT = Path("/srv/project")
LIST = """\
variables: [PARTNER_*, SFTP_PASSWORD]
files: [/run/secrets/*, "certificates/**", "/etc/*/keys/a.pem"]
folders: [/mnt/share/**, out/*]
hosts: ["*.Example.com", 10.0.0.5, "::1"]
buckets: [acme-*]
mail_domains: [example.com]
private_networks: [10.1.0.0/16, 127.0.0.1]
"""


@pytest.fixture
def allowed(tmp_path: Path) -> Allowed:
    (tmp_path / "allowed.yaml").write_text(LIST, encoding="utf-8")
    return load_allowed(tmp_path / "allowed.yaml")


@pytest.mark.parametrize(
    ("kind", "permitted", "refused"),
    [
        ("variables", ["PARTNER_KEY", "SFTP_PASSWORD"], ["partner_key", "SFTP_PASSWORD_2", "HOME"]),
        (
            "files",
            ["/run/secrets/sftp", "/srv/project/certificates/a/b.pem", "/etc/ours/keys/a.pem"],
            ["/run/secrets/deep/sftp", "/srv/project/b.pem", "/etc/ours/more/keys/a.pem", "/run/secrets"],
        ),
        (
            "folders",
            ["/mnt/share", "/mnt/share/{{export}}/{{date}}", "/srv/project/out/a"],
            ["/mnt", "/mnt/shared/a", "/srv/project/out/a/b", "/srv/project/out"],
        ),
        (
            "hosts",
            ["sftp.example.com", "SFTP.EXAMPLE.COM.", "a.b.example.com", "10.0.0.5", "::1"],
            ["example.com", "example.com.evil.test", "sftp-example.com", "10.0.0.50"],
        ),
        ("buckets", ["acme-exports"], ["acme", "other-acme-exports"]),
        ("mail_domains", ["example.com", "EXAMPLE.com"], ["sub.example.com", "example.com.evil.test"]),
    ],
)
def test_globs_permit_what_they_match_and_nothing_else(
    allowed: Allowed, kind: Kind, permitted: list[str], refused: list[str]
) -> None:
    assert [name for name in permitted if not allowed.permits(kind, name, ROOT)] == []
    assert [name for name in refused if allowed.permits(kind, name, ROOT)] == []


def test_a_refusal_names_what_is_allowed_and_where_the_operator_lists_it(allowed: Allowed) -> None:
    assert allowed.refusal("buckets", "acme-exports", ROOT, "allowed.yaml") is None
    assert allowed.refusal("buckets", "evil", ROOT, "allowed.yaml") == (
        'allowed.yaml does not allow the bucket "evil"; allowed: acme-* (the operator lists it under `buckets`)'
    )


def test_a_kind_that_the_file_leaves_out_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "allowed.yaml").write_text("hosts: [example.com]\n", encoding="utf-8")
    refusal = load_allowed(tmp_path / "allowed.yaml").refusal("variables", "X", ROOT, "allowed.yaml")
    assert refusal == (
        'allowed.yaml does not allow the variable "X"; it allows no variable (the operator lists it under `variables`)'
    )


def test_without_the_file_all_may_be_named_and_no_network_is_opened(tmp_path: Path) -> None:
    allowed = load_allowed(tmp_path / "allowed.yaml")
    assert allowed == ANY and allowed.private_networks == ()
    for kind, name in (("variables", "X"), ("files", "/a/b"), ("hosts", "h"), ("buckets", "b")):
        assert allowed.permits(kind, name, ROOT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("hosts: example.com", ['1: hosts: a list (in square brackets) is expected, not "example.com"']),
        (
            "buckets: [acme]\nhostss: [a]",
            ['2: unknown key "hostss"; did you mean "hosts"?'],
        ),
        (
            'hosts:\n  - a\n  - ""',
            ['3: hosts.1: a name is expected, or a glob such as "*"'],
        ),
        (
            "private_networks: [10.1.0.0/99, localhost]",
            [
                "1: private_networks.0: an address or a network is expected, such as 10.1.0.0/16",
                "1: private_networks.1: an address or a network is expected, such as 10.1.0.0/16",
            ],
        ),
        (
            "variables:\n  - EXPORT_PIPELINES_HASH_KEY",
            [
                '2: variables.0: "EXPORT_PIPELINES_HASH_KEY" is a variable of the program itself, which no export may read'
            ],
        ),
        ("hosts: [", ["1: not YAML"]),
        ("", ["1: a mapping (key: value) is expected"]),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, text: str, faults: list[str]) -> None:
    path = tmp_path / "allowed.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_allowed(path)
    assert len(caught.value.faults) == len(faults)
    for shown, fault in zip(caught.value.faults, faults, strict=True):
        assert shown.startswith(f"{path}:{fault}")


def test_a_file_that_has_to_be_there_and_is_not_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot read the file"):
        load_allowed(tmp_path / "allowed.yaml", demanded=True)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DefinitionError, match="cannot read the file"):
        load_allowed(tmp_path / "link.yaml")


def test_a_list_without_folders_leaves_them_free(tmp_path: Path) -> None:
    (tmp_path / "allowed.yaml").write_text("hosts: []\n", encoding="utf-8")
    assert load_allowed(tmp_path / "allowed.yaml").permits("folders", "/mnt/anything", ROOT)
