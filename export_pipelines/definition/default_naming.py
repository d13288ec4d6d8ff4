"""The names of parts where an export gives none."""

from export_pipelines.definition.export import ExportDefinition


def default_naming(definition: ExportDefinition) -> str:
    """`leads_part_{{part}}.{{ext}}`; a report says by which time it goes, since the two do not add up to the same."""
    report = definition.report
    stem = f"report_by_{report.basis}" if report else f"{definition.type}s"
    return stem + "_part_{{part}}.{{ext}}"
