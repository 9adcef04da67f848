"""Optimizers that Keras lacks.

The schedules are Keras's own, in steps; learning rate, weight decay, target momentum and temperatures take them. Of
`keras.optimizers.schedules`, with numbers that papers use:

- learning rate, linear warm-up and cosine to 0: `CosineDecay(0.0, steps - 500, warmup_target=0.3, warmup_steps=500)`,
  where `0.0` must not be written `0`, which Keras 3.15 takes for the dtype of all rates;
- weight decay, cosine upwards: `CosineDecay(0.04, steps, alpha=10)` ends at 0.4;
- target momentum, cosine to 1: `CosineDecay(0.996, steps, alpha=1 / 0.996)`;
- temperature, linear: `PolynomialDecay(0.04, steps, end_learning_rate=0.07)`.
"""

from keras_ssl.optimizers.adamw import AdamW
from keras_ssl.optimizers.lars import LARS

__all__ = ["AdamW", "LARS"]
