"""Learning rates that differ between the layers of a network."""

import keras

from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError
from keras_ssl.transfer.finding import blocks, encoder_of
from keras_ssl.typing import Schedule

__all__ = ["layer_rates"]


def layer_rates(model: keras.Model, decay: float = 0.75, unfreeze_every: int | None = None) -> dict[str, Schedule]:
    """Return what the learning rate of each weight is multiplied by: less or 0 at first, the nearer to the input.

    The factor is `decay^d` in the d-th of the encoder's `blocks`, counted from 1 at its end, and 1 in the head. With
    `unfreeze_every` (gradual unfreezing) it is 0 in the first `d · unfreeze_every` steps: the head trains alone at
    first, and then one more block after every so many steps.

    Args:
        model: Model with a nested encoder, such as `transfer.classifier` builds.
        decay: Above 0, at most 1; 1 for none. Default: 0.75, as in MAE.
        unfreeze_every: Steps between two blocks, at least 1. Default: None, all blocks train from the start.

    Returns:
        Dict of factors, numbers or schedules, by the paths of the weights, for `optimizers.AdamW(rate,
        rate_factors=…)`. Schedules and callbacks that change the learning rate change all alike.

    Raises:
        UserError: If there is not one nested encoder, weights of different blocks have the same path, or a number is
            out of its range.

    Reference:
        Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification": "Discriminative
        fine-tuning" and "Gradual unfreezing"; He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", Table
        9, for the decay.

    Departures:
        The paper unfreezes one layer after each epoch. Here the weights of a block that waits stay bit for bit, but
        Adam's moments are ready when it begins, and its batch normalization trains on statistics of the batch.
        `transfer.freeze` also saves the time of the gradients.

    Example:
        `classifier.compile(optimizers.AdamW(1e-3, rate_factors=transfer.layer_rates(classifier)), …)`
    """
    check_between("decay", decay, above=0, most=1)
    if unfreeze_every is not None:
        check_counts(unfreeze_every=unfreeze_every)
    encoder = encoder_of(model)
    depths = {id(variable): 0 for variable in model.weights}
    for depth, block in enumerate(reversed(blocks(encoder)), 1):
        depths |= {id(variable): depth for layer in block for variable in layer.variables}
    depth_of: dict[str, int] = {}
    for variable in model.weights:
        depth = depths[id(variable)]
        if depth_of.setdefault(variable.path, depth) != depth:
            raise UserError(
                "weights with paths of their own", f"'{variable.path}' in two blocks", "name the layers differently"
            )
    factors = {depth: _factor(depth, decay, unfreeze_every) for depth in set(depth_of.values())}
    return {path: factors[depth] for path, depth in depth_of.items()}


def _factor(depth: int, decay: float, unfreeze_every: int | None) -> Schedule:
    """The factor at a depth, 0 until its block begins."""
    if depth == 0 or unfreeze_every is None:
        return decay**depth
    last_without = depth * unfreeze_every - 1
    return keras.optimizers.schedules.PiecewiseConstantDecay([last_without], [0.0, decay**depth])
