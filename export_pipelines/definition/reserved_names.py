"""Names that no export may have, since Dagster or the program in it has them: one name of two would stop all exports."""

import re
from keyword import kwlist

from export_pipelines.definition.delivery import KINDS

# of its jobs, sensors and ops
OWN = frozenset(
    {"alerts", "compress", "deliver_again", "deliver_everywhere", "extract", "extract_after", "filter", "mask_pii", "on_demand_export",
     "project_fields", "record", "record_window", "retry_deliveries", "retry_windows", "send", "serialize", "sweep", "sign_audit", "sweep_store", "write"}
)  # fmt: skip
OWN_KINDS = re.compile(
    rf"(?:{'|'.join(KINDS)})_[0-9]+|(?:lead|event|report)__.*"
)  # of an export's ops and graph
AD_HOC = "request_"  # begins the name of an export that stands in no file
DAGSTERS = frozenset(
    {*kwlist, "arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict", "int", "meta", "output",
     "output_arg_dict", "str", "type"}
)  # fmt: skip


def taken_by(name: str) -> str | None:
    """Whose the name is; None for one that an export may have."""
    if name in OWN or OWN_KINDS.fullmatch(name):
        return "the name of a job, sensor or op of the program itself"
    if name.startswith(AD_HOC):
        return f'the name of an ad-hoc export ("{AD_HOC}" begins it)'
    return "a word that Dagster or Python keeps for itself" if name in DAGSTERS else None
