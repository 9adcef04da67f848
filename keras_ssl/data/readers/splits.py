"""The splits that a folder may have."""

__all__ = ["SPLITS"]

SPLITS = ("train", "test", "val", "validation")
"""Names of subfolders, or of `.npz` files, that are splits."""
