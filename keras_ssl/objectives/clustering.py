"""Objectives that predict which prototype a view is assigned to."""

from typing import Any

import keras
from keras import ops

from keras_ssl import blocks, heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews
from keras_ssl.state import Queue
from keras_ssl.typing import Batch, Schedule, Tensor

__all__ = ["SwAV"]


@keras.saving.register_keras_serializable("keras_ssl")
class SwAV(TwoViews):
    """Predict the prototypes that a large view is assigned to (its codes) from every other view and crop.

    The assignments of a batch use all prototypes equally. Besides the loss it logs `std` and `dimensions` of the
    projections (`measures.feature_std` and `measures.participation_ratio`, which fall to 0 and 1 in a collapse) and
    `entropy`, the entropy of the mean prediction divided by log k: 1 if all prototypes are in use, 0 if only one is.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`. Crops of another size need an encoder whose input size
            is open, such as `encoders.conv_net((None, None, 3))`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        prototypes: Number of prototypes, at least 2. Default: 300, about a tenth of the paper's 3,000 for ImageNet.
        crops: Number of small crops, `"crop_1"`, … in the batch; they get no codes. Default: 0.
        temperature: Temperature of the predictions, above 0: a number, or a schedule in steps. Default: 0.1.
        sharpness: ε of `losses.sinkhorn`, above 0. Default: 0.05.
        iterations: Number of iterations of `losses.sinkhorn`, at least 1. Default: 3.
        hold_prototypes: Number of steps at the start in which the prototypes are frozen. Default: 300.
        queue_size: Number of projections of earlier batches, for each large view, that are assigned together with the
            batch. Useful if batches are small compared to the number of prototypes. Default: 0, no queue.
        queue_start: Number of steps at the start in which the queue is filled but not used. Default: 1,000.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments", Eqs. 1 to 6,
        Algorithm 1.

    Departures:
        Codes are computed in log space, which cannot overflow.
    """

    terms = ("loss", "std", "dimensions", "entropy")
    compares_samples = True

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        prototypes: int = 300,
        crops: int = 0,
        temperature: Schedule = 0.1,
        sharpness: float = 0.05,
        iterations: int = 3,
        hold_prototypes: int = 300,
        queue_size: int = 0,
        queue_start: int = 1000,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("prototypes", prototypes, 2, whole=True)
        check_between("crops", crops, 0, whole=True)
        check_between("temperature", temperature, above=0, schedule=True)
        check_between("sharpness", sharpness, above=0)
        check_between("iterations", iterations, 1, whole=True)
        check_between("hold_prototypes", hold_prototypes, 0, whole=True)
        check_between("queue_size", queue_size, 0, whole=True)
        check_between("queue_start", queue_start, 0, whole=True)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.prototypes = prototypes
        self.crops = crops
        self.temperature = temperature
        self.sharpness = sharpness
        self.iterations = iterations
        self.hold_prototypes = hold_prototypes
        self.queue_size = queue_size
        self.queue_start = queue_start
        width = self.projector.output_shape[-1]
        self.scores = blocks.Prototypes(prototypes, dtype="float32", name="prototypes")
        self.scores.build((None, width))
        self.queues = [Queue(queue_size, width, seed + k, name=f"queue_{k + 1}") for k in (0, 1)] if queue_size else []

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project all views, and compute their scores for the prototypes."""
        hold = self.step < self.hold_prototypes
        outputs: dict[str, Tensor] = {}
        for k, key in enumerate(self.batch_keys, 1):
            z = self.projector(self.encoder(batch[key], training=training), training=training)
            outputs[f"s_{k}"] = self.scores(z, hold=hold)
            if k <= 2:
                outputs[f"z_{k}"] = z
        return outputs

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute codes of the large views over the global batch; compare the other views' predictions with them."""
        outputs = {name: gather(x) for name, x in outputs.items()}
        scores = [outputs[f"s_{k}"] for k in range(1, len(self.batch_keys) + 1)]
        codes = [self._codes(scores[k], self.queues[k] if self.queues else None) for k in (0, 1)]
        predicted = ops.softmax(scores[0] / self.at(self.temperature), axis=-1)
        return {
            "loss": losses.swav(scores, codes, self.at(self.temperature)),
            **measures.spread(outputs["z_1"]),
            "entropy": measures.usage_entropy(predicted),
        }

    def _codes(self, scores, queue):
        codes = losses.sinkhorn(scores, self.sharpness, self.iterations)
        if queue is None:
            return codes
        together = ops.concatenate([scores, self.scores(ops.convert_to_tensor(queue.stored))])
        with_queue = losses.sinkhorn(together, self.sharpness, self.iterations)[: ops.shape(scores)[0]]
        return ops.where(self.step < self.queue_start, codes, with_queue)

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Put the projections of the large views into the queues."""
        for k, queue in enumerate(self.queues, 1):
            queue.push(gather(outputs[f"z_{k}"]))
