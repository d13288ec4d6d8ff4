"""Texts of a source become typed values, and values their components."""
