"""Something to try: a sample lead store, and the door for one's own leads from a CSV file."""

from export_pipelines.sample.generate import generate_leads
from export_pipelines.sample.import_csv import ImportResult, import_leads
from export_pipelines.sample.mapping import Mapping, Target, load_mapping, mapping_of

__all__ = [
    "ImportResult",
    "Mapping",
    "Target",
    "generate_leads",
    "import_leads",
    "load_mapping",
    "mapping_of",
]
