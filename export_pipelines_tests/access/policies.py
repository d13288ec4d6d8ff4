"""Policies as people write them, read with the shipped catalog."""

from pathlib import Path

from export_pipelines.access import Policy, load_policy
from export_pipelines.catalog import load_catalog

CATALOG = load_catalog(None)

ACCESS = """\
roles:
  operator:
    permissions: [view, create, download, admin]
  analyst:
    permissions: [view, create]
    scope:
      flows: [Auto insurance]
      types: [lead, report]
      pii: {default: remove, indirect: mask, email: hash, "phone_*": mask}
      days_back: 30
      max_rows: 100000
      min_group: 5
  reader:
    permissions: [view]
principals:
  boss: {roles: [operator]}
  ana: {roles: [analyst]}
  rita: {roles: [reader]}
  team:data: {roles: [analyst], members: [bo, cy]}
  gone: {roles: [operator], expires: 2024-01-31}
"""

LEADS = """\
type: lead
format: csv
owner: boss
fields: [lead_id, submitted_at, flow.name, first_name, email, email.domain, phone_1, city, state]
partition: monthly
start: 2024-01-01
"""


def policy_of(folder: Path, text: str = ACCESS) -> Policy:
    file = folder / "access.yaml"
    file.write_text(text, encoding="utf-8")
    policy = load_policy(file, CATALOG)
    assert policy
    return policy
