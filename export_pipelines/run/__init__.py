"""How it runs: a plan becomes parts. Its stages are threads; besides, only a reader has any."""
