"""Readers: a module for each place that data come from."""

__all__ = []  # type: ignore[var-annotated]
