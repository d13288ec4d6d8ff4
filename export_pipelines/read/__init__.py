"""From the source: one file or folder a database, the residual filter, and what a failure means."""
