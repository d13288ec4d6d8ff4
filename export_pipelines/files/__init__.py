"""The ground: locks, digests, files of one owner, what the system says of a disk."""
