"""Keys and their versions, as the environment and the folder of keys hold them."""

from pathlib import Path

import pytest

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import PREFIX, KeyVersions, key_versions

FIRST, SECOND, THIRD = (f"key number {n} of the tests, which is no secret" for n in (1, 2, 3))


def versions_of(folder: Path, **variables: str) -> KeyVersions:
    """The versions of HASH_KEY with these variables, and the files of `folder`/keys."""
    environment = {PREFIX + name: value for name, value in variables.items()}
    return key_versions(environment, "HASH_KEY", folder, folder)


def names(versions: KeyVersions) -> list[str]:
    return [version.name for version in versions.local]


def test_every_version_is_held_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    key = versions_of(tmp_path, HASH_KEY_10=THIRD, HASH_KEY_2=SECOND, HASH_KEY=FIRST)
    assert names(key) == ["HASH_KEY", "HASH_KEY_2", "HASH_KEY_10"]
    assert key.active("hash").name == "HASH_KEY_10"


def test_a_version_comes_from_its_variable_its_file_or_the_folder_of_keys(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hash_key").write_text(f"{FIRST}\n")
    (tmp_path / "keys" / "hash_key_3").write_text(f"{THIRD}\n")
    (tmp_path / "keys" / "hash_key_3.old").write_text("not a key")
    (tmp_path / "second").write_text(f"{SECOND}\n")
    key = versions_of(tmp_path, HASH_KEY_2_FILE="second")
    assert [version.material.decode() for version in key.local] == [FIRST, SECOND, THIRD]
    assert [version.where for version in key.local] == [
        str(tmp_path / "keys" / "hash_key"),
        "EXPORT_PIPELINES_HASH_KEY_2_FILE=second",
        str(tmp_path / "keys" / "hash_key_3"),
    ]


@pytest.mark.parametrize(
    ("chosen", "name"), [("", "HASH_KEY_2"), ("1", "HASH_KEY"), ("2", "HASH_KEY_2"), (" 1 ", "HASH_KEY")]
)
def test_the_version_in_use_is_the_chosen_one_or_else_the_highest(
    tmp_path: Path, chosen: str, name: str
) -> None:
    key = versions_of(tmp_path, HASH_KEY=FIRST, HASH_KEY_2=SECOND, HASH_KEY_ACTIVE=chosen)
    assert key.active("hash").name == name


@pytest.mark.parametrize("chosen", ["3", "two", "0", "HASH_KEY_2"])
def test_a_chosen_version_that_is_not_held_is_refused(tmp_path: Path, chosen: str) -> None:
    key = versions_of(tmp_path, HASH_KEY=FIRST, HASH_KEY_2=SECOND, HASH_KEY_ACTIVE=chosen)
    with pytest.raises(SettingsError, match="EXPORT_PIPELINES_HASH_KEY_ACTIVE") as caught:
        key.active("hash")
    assert str(key.local[0]) in caught.value.remedy


@pytest.mark.parametrize("variable", ["HASH_KEY_1", "HASH_KEY_02", "HASH_KEY_NEW", "HASH_KEY_1_FILE"])
def test_a_variable_that_names_no_version_is_refused(tmp_path: Path, variable: str) -> None:
    with pytest.raises(SettingsError, match="no version of a key") as caught:
        versions_of(tmp_path, HASH_KEY=FIRST, **{variable: SECOND})
    assert caught.value.where == PREFIX + variable


def test_a_variable_without_a_value_is_not_set(tmp_path: Path) -> None:
    assert names(versions_of(tmp_path, HASH_KEY="", HASH_KEY_2="", HASH_KEY_NEW="")) == []


@pytest.mark.parametrize("variables", [{"HASH_KEY": "k" * 31}, {"HASH_KEY": "k" * 31, "HASH_KEY_2": SECOND}])
def test_a_short_key_is_refused_by_the_name_of_what_holds_it(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        versions_of(tmp_path, **variables).active("hash")
    assert caught.value.what == "hash needs keys of at least 32 bytes, and EXPORT_PIPELINES_HASH_KEY holds 31"


def test_a_key_of_32_bytes_is_long_enough(tmp_path: Path) -> None:
    assert versions_of(tmp_path, HASH_KEY="k" * 32).active("hash")
    assert versions_of(tmp_path, HASH_KEY="é" * 16).active("hash")


def test_two_versions_with_one_secret_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hold the same key"):
        versions_of(tmp_path, HASH_KEY=FIRST, HASH_KEY_2=SECOND, HASH_KEY_3=FIRST).active("hash")


def test_a_key_id_depends_on_the_secret_and_its_purpose_alone(tmp_path: Path) -> None:
    first, second = versions_of(tmp_path, HASH_KEY=FIRST, HASH_KEY_2=SECOND).local
    (moved,) = versions_of(tmp_path, HASH_KEY_2=FIRST).local
    (other,) = key_versions({f"{PREFIX}MASTER_KEY": FIRST}, "MASTER_KEY", tmp_path, tmp_path).local
    assert moved.id == first.id and len({first.id, second.id, other.id}) == 3
    assert len(bytes.fromhex(first.id)) == 4 and str(first) == f"HASH_KEY:{first.id}"


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    key = versions_of(tmp_path, HASH_KEY=FIRST)
    assert FIRST not in f"{key!r} {key} {key.local[0]!r} {key.local[0]} {key.model_dump_json()}"


ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def master(folder: Path, **variables: str) -> KeyVersions:
    environment = {PREFIX + name: value for name, value in variables.items()}
    return key_versions(environment, "MASTER_KEY", folder, folder)


def test_a_master_key_of_kms_seals_and_one_held_here_makes_tokens(tmp_path: Path) -> None:
    key = master(tmp_path, MASTER_KEY=FIRST, MASTER_KEY_2=f"aws-kms://{ARN}")
    assert key.sealing("seal").name == "MASTER_KEY_2"
    assert key.active("tokenize").name == "MASTER_KEY"
    chosen = master(
        tmp_path,
        MASTER_KEY=f"aws-kms://{ARN}",
        MASTER_KEY_2=FIRST,
        MASTER_KEY_3=SECOND,
        MASTER_KEY_ACTIVE="1",
    )
    assert chosen.sealing("seal").name == "MASTER_KEY"
    assert chosen.active("tokenize").name == "MASTER_KEY_3"


def test_tokens_need_a_key_that_is_held_here(tmp_path: Path) -> None:
    key = master(tmp_path, MASTER_KEY=f"aws-kms://{ARN}")
    with pytest.raises(SettingsError, match="tokenize needs a key that is held here.*AWS KMS"):
        key.active("tokenize")


@pytest.mark.parametrize(
    "text",
    ["aws-kms:/", f"aws-kms:{ARN}", "aws-kms://alias/exports", f"aws-kms://{ARN[:-40]}", "aws-kms://x"],
)
def test_what_names_no_key_of_kms_is_not_taken_for_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="names no key of AWS KMS.*aws-kms://arn:aws:kms"):
        master(tmp_path, MASTER_KEY=text)


def test_a_hash_key_is_never_in_kms(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has to be held here"):
        versions_of(tmp_path, HASH_KEY=f"aws-kms://{ARN}")
