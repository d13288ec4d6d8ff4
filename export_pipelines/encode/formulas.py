"""Texts that a spreadsheet would run, and how `spreadsheet_safe` writes them."""

import re
from collections.abc import Mapping
from typing import Any

# what a spreadsheet may run, and what looks so once it was made safe: so the first quote can be taken off again.
# Text columns only, so a negative number stays one
FORMULA_STARTS = r"^'*[=+\-@\t\r\n＝＋－＠]"


def header_in_file(header: str, options: Mapping[str, Any]) -> str:
    """A column's header as files with these options of CSV or TSV have it. Of a pivot, it is a value."""
    return f"'{header}" if options.get("spreadsheet_safe") and re.match(FORMULA_STARTS, header) else header
