"""Readers: a module for each place that data come from."""

__all__ = []
