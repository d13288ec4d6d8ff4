"""The SQL functions that the stream's SQLite reader registers; these tests use the very same."""

from export_pipelines.stream.sql_functions import register

__all__ = ["register"]
