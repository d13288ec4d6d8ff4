"""The policy that docs/access.md shows loads, and what the page says of treatments is so."""

import re
from pathlib import Path

from export_pipelines.access import TREATMENTS
from export_pipelines.access.policy import PERMISSIONS, Destinations, Scope
from export_pipelines_tests.access.policies import policy_of
from export_pipelines_tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "access.md").read_text(encoding="utf-8")


def test_the_policy_that_is_shown_loads_and_has_every_key(tmp_path: Path) -> None:
    text, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)  # and what alerts.yaml says of checkpoints
    policy = policy_of(tmp_path, text)
    scope = policy.roles["analyst"].scope
    assert all(getattr(scope, key) is not None for key in Scope.model_fields)
    assert scope.destinations and scope.destinations.model_fields_set == set(Destinations.model_fields)


def test_the_page_tells_every_permission_and_scope_and_the_order_of_treatments() -> None:
    for name in (*PERMISSIONS, *Scope.model_fields):
        assert f"| `{name}` |" in PAGE
    assert ", ".join(f"`{one}`" for one in TREATMENTS) in PAGE
