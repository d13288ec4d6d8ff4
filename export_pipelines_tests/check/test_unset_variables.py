"""Variables that definitions name and nobody has set."""

from export_pipelines_tests.check.test_check import KEY, check
from export_pipelines_tests.conftest import REPOSITORY, Project


def test_every_variable_that_is_not_set_is_named(project: Project) -> None:
    """Of destinations and of streams."""
    for name in ("daily_lead_backup", "live_recipient_events"):
        project.write(name, (REPOSITORY / "exports" / f"{name}.yaml").read_text(encoding="utf-8"))
    project.environment["EXPORT_PIPELINES_HASH_KEY"] = KEY
    unset = {
        (fault.name, fault.text.partition("the variable ")[2].partition(" ")[0])
        for fault in check(project)
        if "is not set (set" in fault.text
    }
    assert unset == {
        ("daily_lead_backup", "S3_ACCESS_KEY"),
        ("daily_lead_backup", "S3_SECRET_KEY"),
        ("live_recipient_events", "AWS_ACCESS_KEY"),
        ("live_recipient_events", "AWS_SECRET_KEY"),
    }
