"""Tells which wheel was installed."""

WHEEL = "any"
