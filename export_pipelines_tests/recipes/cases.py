"""In which formats, codecs and options the contract suite writes the rows that recipes load."""

from collections.abc import Iterator, Mapping
from typing import Any

from export_pipelines.recipes import READERS

Options = dict[str, Any]
FORMS: Mapping[str, tuple[tuple[str, Options], ...]] = {
    "csv": (
        ("none", {}),
        ("gzip", {"null_marker": "NULL"}),
        ("zip", {"null_marker": "\\N", "line_ending": "crlf"}),
        ("zstd", {"quote": "text", "bom": True, "delimiter": ";"}),
        ("none", {"quote": "all", "delimiter": "|"}),
        ("gzip", {"spreadsheet_safe": True}),
    ),
    "tsv": (("gzip", {}), ("none", {"null_marker": "NULL"})),
    "tsv, escaped": (
        ("none", {"escape": "backslash"}),
        ("gzip", {"escape": "backslash", "spreadsheet_safe": True}),
    ),
    "json": (("none", {}), ("zip", {"pretty": True})),
    "ndjson": (("zstd", {}), ("gzip", {})),
    "parquet": (("none", {}), ("zstd", {})),
    "xlsx": (("none", {}),),
}
NOT_RUN = {
    ("libreoffice", "xlsx"),  # which is opened, and not imported
    # of a table that DuckDB loads here, and it loses nothing of the others
    *(("dbt", form) for form in ("tsv, escaped", "json", "ndjson", "xlsx")),
}


def cases(reader: str) -> Iterator[tuple[str, str, Options]]:
    """Form, codec and options of each file that a reader has a recipe for."""
    return ((form, codec, options) for form in READERS[reader].forms for codec, options in FORMS[form])
