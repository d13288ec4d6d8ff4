"""Something to try: a sample lead store."""

from export_pipelines.sample.generate import generate_leads

__all__ = ["generate_leads"]
