"""`mode: changes` while a run writes: keyed digests of its rows are compared with those of an artifact before."""
