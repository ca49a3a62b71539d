"""Comes from the scheme platlib."""
