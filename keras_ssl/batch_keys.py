"""Names of the tensors in a batch that several packages must agree on."""

__all__ = ["view_keys"]


def view_keys(crops: int = 0) -> tuple[str, ...]:
    """Return the names of two large views and of the small crops beside them.

    Args:
        crops: Number of small crops. Default 0.

    Returns:
        `("view_1", "view_2", "crop_1", …)`.
    """
    return ("view_1", "view_2", *(f"crop_{k}" for k in range(1, crops + 1)))
