"""Formats and codecs: frames become the bytes of parts."""
