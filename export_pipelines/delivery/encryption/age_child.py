"""Encrypts stdin to stdout for the age recipients in its arguments. A process of its own: the library stops every other
thread of its process while it works."""

import sys

import pyrage


def recipient_of(text: str) -> object:
    """Raises pyrage.RecipientError for what is no recipient."""
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    return kind.Recipient.from_str(text)


if __name__ == "__main__":
    pyrage.encrypt_io(sys.stdin.buffer, sys.stdout.buffer, [recipient_of(text) for text in sys.argv[1:]])
    sys.stdout.buffer.flush()
