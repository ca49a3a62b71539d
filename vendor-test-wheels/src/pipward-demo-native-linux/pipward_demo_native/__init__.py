"""Tells which wheel was installed."""

WHEEL = "linux"
