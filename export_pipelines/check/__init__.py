"""Everything about `exports/` that can be known before a run.

settings → definitions → paths → destinations → what answers → a list of faults; none hides another"""

from export_pipelines.check.check_all import check_all
from export_pipelines.check.fault import OTHERS, CheckFault

__all__ = ["OTHERS", "CheckFault", "check_all"]
