"""How it runs: a plan becomes Arrow batches, masked, encoded, compressed, cut into parts."""

__all__ = []
