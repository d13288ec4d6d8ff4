"""Plans name the versions of the keys that they need, and a key that cannot be used is named at the privacy line."""

from pathlib import Path

import pytest

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import key_names, key_versions
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines_tests.plan.leads import KEYS, Keys, masking, plan

LONG = "a key of the tests, which is no secret"


def names_of(folder: Path, **variables: str) -> Keys:
    environment = {f"EXPORT_PIPELINES_{name}": value for name, value in variables.items()}
    return key_names(
        *(key_versions(environment, name, folder, folder) for name in ("HASH_KEY", "MASTER_KEY"))
    )


@pytest.mark.parametrize(
    ("privacy", "ids"),
    [
        ("email: mask", []),
        ("email: hash", ["HASH_KEY"]),
        ("email: tokenize", ["MASTER_KEY"]),
        ("email: tokenize, last_name: hash", ["HASH_KEY", "MASTER_KEY"]),
        ("custom: hash", ["HASH_KEY"]),
    ],
)
def test_the_keys_behind_the_masks_are_named(tmp_path: Path, privacy: str, ids: list[str]) -> None:
    section = masking(tmp_path, f"fields: [email, last_name, custom]\nprivacy: {{'*': keep, {privacy}}}")
    assert section.key_ids == tuple(KEYS[name] for name in ids)


def test_a_rotated_key_makes_other_content(tmp_path: Path) -> None:
    yaml = "fields: [lead_id, email]\nprivacy: {email: hash}"
    first = names_of(tmp_path, HASH_KEY=LONG)
    both = names_of(tmp_path, HASH_KEY=LONG, HASH_KEY_2=LONG * 2)
    back = names_of(tmp_path, HASH_KEY=LONG, HASH_KEY_2=LONG * 2, HASH_KEY_ACTIVE="1")
    digests = [fingerprint(plan(tmp_path, yaml, keys=keys)) for keys in (first, both, back)]
    assert digests[0] == digests[2] != digests[1]
    plain = "fields: [lead_id, email]"
    assert fingerprint(plan(tmp_path, plain, keys=first)) == fingerprint(plan(tmp_path, plain, keys=both))


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "privacy: hash needs the key EXPORT_PIPELINES_HASH_KEY, which is not set"),
        ({"HASH_KEY": "short"}, "needs keys of at least 32 bytes, and EXPORT_PIPELINES_HASH_KEY holds 5"),
        ({"HASH_KEY": LONG, "HASH_KEY_2": "short"}, "and EXPORT_PIPELINES_HASH_KEY_2 holds 5"),
        ({"HASH_KEY": LONG, "HASH_KEY_2": LONG}, "hold the same key"),
        ({"HASH_KEY": LONG, "HASH_KEY_ACTIVE": "2"}, "EXPORT_PIPELINES_HASH_KEY_ACTIVE"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_at_the_line_of_privacy(
    tmp_path: Path, variables: dict[str, str], text: str
) -> None:
    keys = names_of(tmp_path, MASTER_KEY="short", **variables)
    with pytest.raises(SettingsError) as caught:
        plan(tmp_path, "fields: [lead_id, email]\nprivacy: {email: hash}", keys=keys)
    assert text in str(caught.value)
    assert caught.value.where.endswith("test_export.yaml:4")
    assert plan(tmp_path, "fields: [lead_id, email]\nprivacy: {email: mask}", keys=keys)
