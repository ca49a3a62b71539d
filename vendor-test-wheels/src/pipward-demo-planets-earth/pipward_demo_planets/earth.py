"""A planet."""

KIND = "rocky"
