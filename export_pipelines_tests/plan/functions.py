"""The SQL functions that the stream's SQLite reader registers; these tests use the very same."""

from export_pipelines.read.sql_functions import register

__all__ = ["register"]
