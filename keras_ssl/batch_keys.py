"""Batch keys: names of tensors in a batch, shared by several packages."""

__all__ = ["view_keys"]


def view_keys(crops: int = 0) -> tuple[str, ...]:
    """Return the keys of two large views and of the small crops.

    Args:
        crops: Number of small crops. Default: 0.

    Returns:
        `("view_1", "view_2", "crop_1", …)`.
    """
    return ("view_1", "view_2", *(f"crop_{k}" for k in range(1, crops + 1)))
