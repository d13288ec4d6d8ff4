"""XLSX in constant memory."""
