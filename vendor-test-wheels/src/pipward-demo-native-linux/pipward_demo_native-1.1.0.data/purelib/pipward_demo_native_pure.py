"""The pure part of a wheel that is not."""
