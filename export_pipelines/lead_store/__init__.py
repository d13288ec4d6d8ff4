"""The lead store's tables."""
