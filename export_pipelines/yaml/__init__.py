"""Documents with line numbers, and their faults."""
