"""Why can I not read my file? Its format, what may surprise a reader, and whether its bytes are what they were."""

from collections.abc import Iterator

from export_pipelines.artifacts import Manifest
from export_pipelines.diagnosis.case import Case
from export_pipelines.diagnosis.finding import Finding
from export_pipelines.errors import KeyRefused

VERIFIED_BYTES = 50_000_000  # more is not read again for a page
OPENED_BY = {
    "tsv": "A text of UTF-8 with tabs and a header. In Excel: Data, From Text/CSV.",
    "json": "One JSON array in each file.",
    "ndjson": "A JSON object on each line; it is no array, so read it line by line.",
    "parquet": "A binary file for pandas, DuckDB, Spark and the like; no text editor or spreadsheet opens it.",
    "xlsx": "A workbook for Excel, LibreOffice or Google Sheets.",
}
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
CODECS = {
    "gzip": "It is compressed: unpack it by gunzip or 7-Zip first; most readers do so by themselves where the name ends in .gz.",
    "zip": "It is a zip archive: unpack it first.",
    "zstd": "It is compressed with Zstandard: unpack it by `zstd -d`; Excel and Windows do not know it.",
}


def why_unreadable(case: Case) -> Iterator[Finding]:
    manifest = case.manifest
    if manifest is None:
        yield Finding("note", "There is no file to look at.")
        return
    yield from _bytes(case, manifest)
    yield Finding("note", f"Format {manifest.format}: {_opened_by(manifest)}".strip(": "))
    if manifest.codec in CODECS and manifest.format != "parquet":
        yield Finding("note", CODECS[manifest.codec])
    if len(manifest.parts) > 1:
        text = f"The export is split into {len(manifest.parts)} files; each is whole by itself, with its own header."
        yield Finding("note", text, "Read all of them, in the order of their names.")
    yield from _surprises(manifest)


def _opened_by(manifest: Manifest) -> str:
    if manifest.format != "csv":
        return OPENED_BY.get(manifest.format, "")
    delimiter = str(manifest.options.get("delimiter", ","))
    between = DELIMITERS.get(delimiter, f'"{delimiter}" between the values')
    text = f"A text of UTF-8 with {between}, quotes of RFC 4180 and a header. In Excel: Data, From Text/CSV, UTF-8"
    if manifest.options.get("bom"):
        return f"{text}; it begins with a byte order mark, by which Excel knows UTF-8."
    return f"{text}; or let the export say `format: {{csv: {{bom: true}}}}`, or xlsx."


def _bytes(case: Case, manifest: Manifest) -> Iterator[Finding]:
    command = f"export-pipelines verify {manifest.artifact}"
    if manifest.bytes > VERIFIED_BYTES:
        yield Finding(
            "note", "The files are large, and were not read again now.", f"`{command}` reads every byte."
        )
        return
    try:
        faults = case.project.verify(manifest.artifact, case.asker)
    except KeyRefused as error:
        yield Finding("bad", f"The stored file cannot be opened: {error}", error.remedy)
        return
    for fault in faults:
        then = f"Run it again: `{case.command(manifest.window.key)}`."
        yield Finding("bad", f"The stored file is damaged: {fault}", then)
    if not faults:
        digests = ", ".join(f"{part.name} {part.sha256[:16]}…" for part in manifest.parts[:3])
        text = "The stored files are whole: every byte is as it was written."
        yield Finding("good", text, f"Compare the SHA-256 of what you have: {digests}")


def _surprises(manifest: Manifest) -> Iterator[Finding]:
    if manifest.schema_changed:
        text = f"The columns differ from those of the file before (schema version {manifest.schema_version})."
        yield Finding("bad", text, "Tell whoever reads the file, or take the change back.")
    if manifest.bad_json:
        columns = ", ".join(manifest.bad_json)
        yield Finding("note", f"Stored JSON did not parse and became null: {columns}.")
    if manifest.like_null:
        columns = ", ".join(manifest.like_null)
        then = "Tell the reader's null words, or set `null_marker`."
        yield Finding("note", f"Some readers take texts of these columns for null: {columns}.", then)
    if manifest.as_text:
        columns = ", ".join(manifest.as_text)
        yield Finding("note", f"Excel cannot hold some numbers or times; they stand as text: {columns}.")
    if lacking := [column for column, rows in manifest.null_required.items() if rows]:
        columns = ", ".join(lacking)
        yield Finding("bad", f"Required columns have rows without a value: {columns}.", "Look at the source.")
    masked = sorted({column.id for column in manifest.columns if column.mask})
    if masked:
        then = "That is the export's `privacy:`, or your role; unmasked values need other rights."
        yield Finding("note", f"These columns are masked on purpose: {', '.join(masked)}.", then)
    if manifest.removed:
        yield Finding("note", f"These fields were left out for privacy: {', '.join(manifest.removed)}.")
