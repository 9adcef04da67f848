"""Drawing the next token from its scores."""

import numpy as np

__all__ = ["draw"]


def draw(
    logits: np.ndarray,
    uniform: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Draw one id for each row of scores, never 0, which is padding.

    Args:
        logits: Array `(n, vocabulary)` of scores.
        uniform: Array `(n,)` of random numbers in 0..1, below 1: where in the cumulated probabilities the id is.
        temperature: What scores are divided by; 0 takes the highest. Default: 1.
        top_k: Number of highest scores to draw among, or None for all. Default: None.
        top_p: Draw among the fewest ids whose probabilities sum to this, or None for all. Default: None.

    Returns:
        Int32 array `(n,)`.

    Reference:
        `top_k`: Fan et al. 2018, "Hierarchical Neural Story Generation", section 5.1. `top_p`: Holtzman et al. 2019,
        "The Curious Case of Neural Text Degeneration", Eqs. 2 and 3.
    """
    scores = logits[:, 1:].astype("float64")
    order = np.argsort(-scores, axis=1, kind="stable")  # the highest first
    if temperature == 0:
        return (order[:, 0] + 1).astype("int32")
    scores = np.take_along_axis(scores, order, axis=1) / temperature
    probabilities = np.exp(scores - scores[:, :1])
    if top_k is not None:
        probabilities[:, top_k:] = 0
    if top_p is not None:
        before = np.cumsum(probabilities, axis=1) - probabilities
        probabilities[before >= top_p * probabilities.sum(axis=1, keepdims=True)] = 0
    summed = np.cumsum(probabilities, axis=1)
    rank = (summed <= uniform[:, None] * summed[:, -1:]).sum(axis=1)
    return (np.take_along_axis(order, rank[:, None], axis=1)[:, 0] + 1).astype("int32")
