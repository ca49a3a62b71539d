"""Comes from the scheme purelib."""
