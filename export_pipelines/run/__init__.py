"""How it runs: a plan becomes parts. The only room with threads."""
