"""Where the records of a stream go: a file for each service."""
