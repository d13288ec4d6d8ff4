"""A report's plan: groups, measures, and what cannot be told."""
