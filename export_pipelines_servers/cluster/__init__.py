"""A deployment over several machines, for trying: each machine is a folder and processes of its own, which share three servers."""
