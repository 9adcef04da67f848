"""Learning rates that differ between the layers of a network."""

import keras

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.transfer.finding import blocks, encoder_of

__all__ = ["layer_rates"]


def layer_rates(model: keras.Model, decay: float = 0.75) -> dict[str, float]:
    """Return what the learning rate of each weight is multiplied by, for layer-wise decay: less, the nearer the input.

    The factor is `decay^d` in the d-th of the encoder's `blocks`, counted from 1 at its end, and 1 in the head.

    Args:
        model: Model with a nested encoder, such as `transfer.classifier` builds.
        decay: Above 0, at most 1. Default: 0.75, as MAE's and BEiT's.

    Returns:
        Dict of factors by the paths of the weights, for `optimizers.AdamW(rate, rate_factors=…)`. Schedules and
        callbacks that change the learning rate change all alike.

    Raises:
        UserError: If there is not one nested encoder, or weights of different blocks have the same path.

    Reference:
        Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", section 3.2
        (discriminative fine-tuning); Clark et al. 2020, "ELECTRA", appendix B.

    Example:
        `classifier.compile(optimizers.AdamW(1e-3, rate_factors=transfer.layer_rates(classifier)), …)`
    """
    check_between("decay", decay, above=0, most=1)
    encoder = encoder_of(model)
    depths = {id(variable): 0 for variable in model.variables}
    for depth, block in enumerate(reversed(blocks(encoder)), 1):
        depths |= {id(variable): depth for layer in block for variable in layer.variables}
    factors: dict[str, float] = {}
    for variable in model.variables:
        factor = decay ** depths[id(variable)]
        if factors.setdefault(variable.path, factor) != factor:
            raise UserError(
                "weights with paths of their own", f"'{variable.path}' in two blocks", "name the layers differently"
            )
    return factors
