"""How it runs: a plan becomes Arrow batches, masked, encoded, compressed, cut into parts."""

from contextlib import suppress

import pyarrow as pa

from export_pipelines.stream.keys import Keys
from export_pipelines.stream.open_source import open_source
from export_pipelines.stream.part_writer import PartSink, WrittenPart
from export_pipelines.stream.preview import Preview, preview
from export_pipelines.stream.source import Source
from export_pipelines.stream.write_parts import Written, write_parts

# Arrow's usual allocator holds a tenth more memory, and fetches large buffers from the system anew. Not all builds have it.
with suppress(NotImplementedError):
    pa.set_memory_pool(pa.jemalloc_memory_pool())

__all__ = [
    "Keys",
    "PartSink",
    "Preview",
    "Source",
    "Written",
    "WrittenPart",
    "open_source",
    "preview",
    "write_parts",
]
