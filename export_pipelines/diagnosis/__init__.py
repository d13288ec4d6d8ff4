"""Why a file is missing, empty, late or unreadable, and what to do: read from ledger, plan, store and Dagster, changing nothing."""

from export_pipelines.diagnosis.diagnose import QUESTIONS, diagnose
from export_pipelines.diagnosis.finding import Answers, Finding

__all__ = ["QUESTIONS", "Answers", "Finding", "diagnose"]
