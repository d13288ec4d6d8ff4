"""The SELECT: what it reads, which rows, and what a database cannot be asked."""
