"""Something to try: a sample lead store, and the door for one's own leads from a CSV file."""

from export_pipelines.sample.generate import generate_leads

__all__ = [
    "generate_leads",
]
