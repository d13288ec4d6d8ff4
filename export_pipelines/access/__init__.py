"""Who may have what: access.yaml becomes a Policy, a Policy and a name become Grants. Pure, but for the loader."""

from export_pipelines.access.grant import EVERYTHING, Grant, Rights, grants_of, narrower, require_permission
from export_pipelines.access.load import PolicyFile, load_policy
from export_pipelines.access.policy import Permission, Policy, asker_of
from export_pipelines.access.treatment import TREATMENTS

__all__ = [
    "EVERYTHING",
    "TREATMENTS",
    "Grant",
    "Permission",
    "Policy",
    "PolicyFile",
    "Rights",
    "asker_of",
    "grants_of",
    "load_policy",
    "narrower",
    "require_permission",
]
