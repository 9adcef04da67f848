"""Optimizers and a schedule that Keras lacks.

Learning rate, weight decay, target momentum and temperatures accept Keras's schedules, which count training steps.
Examples from `keras.optimizers.schedules`, with values from papers:

- learning rate, linear warm-up and cosine to 0: `CosineDecay(0.0, steps - 500, warmup_target=0.3, warmup_steps=500)`,
  with `0.0`, not `0`, because Keras 3.15 takes the dtype of all rates from it;
- weight decay, increasing cosine: `CosineDecay(0.04, steps, alpha=10)` ends at 0.4;
- target momentum, cosine to 1: `CosineDecay(0.996, steps, alpha=1 / 0.996)`;
- temperature, linear: `PolynomialDecay(0.04, steps, end_learning_rate=0.07)`.
"""

from keras_ssl.optimizers.adamw import AdamW
from keras_ssl.optimizers.copying import another_like, innermost
from keras_ssl.optimizers.lars import LARS
from keras_ssl.optimizers.schedules import StretchedSchedule
from keras_ssl.optimizers.tables import TableAdagrad, TableSGD

__all__ = ["AdamW", "LARS", "StretchedSchedule", "TableAdagrad", "TableSGD", "another_like", "innermost"]
