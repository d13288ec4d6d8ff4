"""A bucket."""
