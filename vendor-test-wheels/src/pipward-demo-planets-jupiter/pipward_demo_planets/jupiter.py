"""A planet."""

KIND = "gaseous"
