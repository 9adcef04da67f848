"""Objectives that pull the views of one sample together and push those of other samples apart."""

from typing import Any

import keras
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.directions import unit
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews
from keras_ssl.state import Queue, TargetNetwork
from keras_ssl.typing import Batch, Schedule, Tensor

__all__ = ["MoCo", "NNCLR", "SimCLR"]


@keras.saving.register_keras_serializable("keras_ssl")
class SimCLR(TwoViews):
    """Pick out the other view of a sample among the views of all other samples in the (global) batch.

    Besides the loss it logs `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        temperature: Temperature of the loss, above 0: a number, or a schedule in steps. Default: 0.5.
        decoupled: Whether to use `losses.dcl`, without the positive pair in the denominator, instead of
            `losses.nt_xent`. It helps small batches (Yeh et al. 2022, with a temperature of 0.1). Default: False.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", Algorithm 1.
    """

    terms = ("loss", "std", "dimensions")
    compares_samples = True

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        temperature: Schedule = 0.5,
        decoupled: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("temperature", temperature, above=0, schedule=True)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.temperature = temperature
        self.decoupled = decoupled

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project both views."""
        return self.project(batch, training)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the projections of the global batch."""
        z_1, z_2 = gather(outputs["z_1"]), gather(outputs["z_2"])
        contrast = losses.dcl if self.decoupled else losses.nt_xent
        return {"loss": contrast(z_1, z_2, self.at(self.temperature)), **measures.spread(z_1)}


@keras.saving.register_keras_serializable("keras_ssl")
class MoCo(TwoViews):
    """Pick out the momentum encoder's key of the other view among its keys of earlier samples.

    Besides the loss it logs `std` and `dimensions` of the queries; see `SimCLR`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        temperature: Temperature of `losses.info_nce`, above 0: a number, or a schedule in steps. Default: 0.2.
        queue_size: Number of keys of earlier batches used as negatives, at least the global batch size. Default: 4096.
        target_momentum: Momentum of the target network (the momentum encoder), 0..1: a number, or a schedule in steps.
            Default: 0.99.
        symmetric: Whether each view serves as both query and key, which doubles the time of a step. Default: False.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning", Eqs. 1 and 2; temperature
        and projector as in Chen et al. 2020, "Improved Baselines with Momentum Contrastive Learning".

    Departures:
        In the paper target_momentum is 0.999, for a hundred times as many steps. Batch normalization uses the
        statistics of the global batch; the paper shuffles samples between devices. The queue size need not be a
        multiple of the batch size: the oldest keys are dropped.
    """

    terms = ("loss", "std", "dimensions")

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        temperature: Schedule = 0.2,
        queue_size: int = 4096,
        target_momentum: Schedule = 0.99,
        symmetric: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("temperature", temperature, above=0, schedule=True)
        check_between("target_momentum", target_momentum, 0, 1, schedule=True)
        check_between("queue_size", queue_size, 1, whole=True)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.temperature = temperature
        self.queue_size = queue_size
        self.target_momentum = target_momentum
        self.symmetric = symmetric
        self.target = TargetNetwork([self.encoder, self.projector], name="target")
        self.queue = Queue(queue_size, self.projector.output_shape[-1], seed=seed, name="queue")

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Compute queries of one view and keys of the other; if symmetric, both ways."""
        outputs: dict[str, Tensor] = {}
        for query, key in ((1, 2), (2, 1)) if self.symmetric else ((1, 2),):
            h = self.encoder(batch[f"view_{query}"], training=training)
            outputs[f"q_{query}"] = self.projector(h, training=training)
            outputs[f"k_{key}"] = self.target(batch[f"view_{key}"], training=training)
        return outputs

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the queries of the global batch with their keys and those in the queue."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        pairs = ((1, 2), (2, 1)) if self.symmetric else ((1, 2),)
        parts = [
            losses.info_nce(outputs[f"q_{q}"], outputs[f"k_{k}"], self.queue.stored, self.at(self.temperature))
            for q, k in pairs
        ]
        return {"loss": sum(parts) / len(parts), **measures.spread(outputs["q_1"])}

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Put the keys into the queue, and update the target network."""
        self.queue.push(gather(outputs["k_2"]))
        self.target.follow([self.encoder, self.projector], self.at(self.target_momentum))


@keras.saving.register_keras_serializable("keras_ssl")
class NNCLR(TwoViews):
    """Predict, from one view of a sample, the nearest neighbor of its other view among earlier samples.

    Besides the loss it logs `std` and `dimensions` of the projections; see `SimCLR`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        predictor: `keras.Model` from `(n, k)` to `(n, k)`. Default: `heads.predictor(projector)`.
        temperature: Temperature of `losses.info_nce`, above 0: a number, or a schedule in steps. Default: 0.1.
        queue_size: Number of projections of earlier batches to search for neighbors, at least 1. Default: 4096.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Dwibedi et al. 2021, "With a Little Help from My Friends: Nearest-Neighbor Contrastive Learning of Visual
        Representations", Eqs. 2 to 4.

    Departures:
        The projector has one hidden layer; the paper's has two.
    """

    terms = ("loss", "std", "dimensions")
    compares_samples = True

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        predictor: keras.Model | None = None,
        temperature: Schedule = 0.1,
        queue_size: int = 4096,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("temperature", temperature, above=0, schedule=True)
        check_between("queue_size", queue_size, 1, whole=True)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.predictor = heads.predictor(self.projector) if predictor is None else predictor
        self.temperature = temperature
        self.queue_size = queue_size
        self.queue = Queue(queue_size, self.projector.output_shape[-1], seed=seed, name="queue")

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project both views, and compute predictions from both projections."""
        return self.predict_views(batch, training)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the neighbors of each view with the predictions from the other view."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        t = self.at(self.temperature)
        parts = [
            losses.info_nce(self._nearest(outputs[f"z_{z}"]), outputs[f"p_{p}"], temperature=t)
            for z, p in ((1, 2), (2, 1))
        ]
        return {"loss": sum(parts) / 2, **measures.spread(outputs["z_1"])}

    def _nearest(self, z):
        """Return the stored direction nearest to each `z`, with stop-gradient."""
        similarity = ops.matmul(unit(z), ops.transpose(self.queue.stored))
        return ops.stop_gradient(ops.take(self.queue.stored, ops.argmax(similarity, axis=1), axis=0))

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Put the projections of the first view into the queue."""
        self.queue.push(gather(outputs["z_1"]))
