"""Random samples that a deployed model takes, by the dtype, range, shape and sizes in its manifest."""

import numpy as np
from artifact import read_manifest

__all__ = ["random_samples", "signatures"]


def signatures(directory):
    """Return the signatures of a version folder by name, as its manifest describes them."""
    return read_manifest(directory)["signatures"]


def random_samples(inputs, count, seed=0, which=0):
    """Return a dict of `count` uniform random samples of each input.

    Args:
        inputs: The "inputs" of a signature in the manifest.
        count: Number of samples.
        seed: Of the draw.
        which: Which of the two verified sizes of the axes that may have any: 0 or 1.
    """
    rng = np.random.default_rng(seed)
    samples = {}
    for name, about in inputs.items():
        sizes = zip(about["axes"][1:], about["shape"][1:])
        shape = (count, *(size or about["sizes"][axis][which] for axis, size in sizes))
        low, high = about["range"] or (None, None)
        low, high = 0 if low is None else low, 1 if high is None else high
        if "float" in about["dtype"]:
            samples[name] = (low + (high - low) * rng.random(shape)).astype(about["dtype"])
        else:
            samples[name] = rng.integers(int(low), int(high) + 1, shape).astype(about["dtype"])
    return samples
