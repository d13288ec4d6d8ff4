"""Marks of runs whose rows are others than those of the export's file, equal for equal rows."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from export_pipelines.plan.plan import Head

MARK_DIGITS = 8


def narrowed_for(head: Head) -> object:
    """Who asked, and what that narrowed; None where it narrowed nothing."""
    rights = head.rights
    return (rights.asker, *rights.narrowed) if rights and rights.narrowed else None


def run_marks(overrides: Mapping[str, Any], narrowed: object) -> list[str]:
    """One for a filter that was set at launch, one for what was narrowed for whoever asked; usually none."""
    marks = [f"set_{_mark_of(overrides)}"] if overrides else []
    return [*marks, f"for_{_mark_of(narrowed)}"] if narrowed else marks


def _mark_of(content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:MARK_DIGITS]
