"""The link from an asset to the file of its export."""

import warnings
from pathlib import Path

import dagster as dg


def code_reference(file: Path, line: int = 1) -> dict[str, dg.CodeReferencesMetadataValue]:
    """As an asset's metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # a person at the terminal can do nothing about it
        reference = dg.LocalFileCodeReference(file_path=str(file), line_number=line, label=file.name)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}
