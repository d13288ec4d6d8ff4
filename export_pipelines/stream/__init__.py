"""How it runs: a plan becomes Arrow batches, masked, encoded, compressed, cut into parts."""

from export_pipelines.stream.part_writer import PartSink, WrittenPart
from export_pipelines.stream.preview import Preview, first_rows, preview
from export_pipelines.stream.write_parts import Written, write_parts

__all__ = [
    "PartSink",
    "Preview",
    "Written",
    "WrittenPart",
    "first_rows",
    "preview",
    "write_parts",
]
