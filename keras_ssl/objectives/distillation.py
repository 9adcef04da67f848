"""Objectives that predict the output of a target network, or of another view. Nothing is pushed apart."""

from typing import Any

import keras
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews
from keras_ssl.state import Center, TargetNetwork
from keras_ssl.typing import Batch, Schedule, Tensor

__all__ = ["BYOL", "DINO", "SimSiam"]


@keras.saving.register_keras_serializable("keras_ssl")
class BYOL(TwoViews):
    """Predict, from one view, the target network's projection of the other view.

    Besides the loss it logs `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse. The loss does not show a collapse.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        predictor: `keras.Model` from `(n, k)` to `(n, k)`. Default: `heads.predictor(projector)`.
        target_momentum: Momentum of the target network (the momentum encoder), 0..1: a number, or a schedule in steps.
            Default: 0.99. The paper's cosine schedule to 1 is
            `keras.optimizers.schedules.CosineDecay(0.996, steps, alpha=1 / 0.996)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Grill et al. 2020, "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning", Eqs. 1 to 3.

    Departures:
        The loss is the mean of the two negative cosines: a quarter of the paper's loss, minus 1. The hidden layers of
        the heads are as wide as the encoder's output, not 4096.
    """

    terms = ("loss", "std", "dimensions")

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        predictor: keras.Model | None = None,
        target_momentum: Schedule = 0.99,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("target_momentum", target_momentum, 0, 1, schedule=True)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.predictor = heads.predictor(self.projector) if predictor is None else predictor
        self.target_momentum = target_momentum
        self.target = TargetNetwork([self.encoder, self.projector], name="target")

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project both views and compute predictions, and project both with the target network."""
        outputs = self.predict_views(batch, training)
        return outputs | {f"t_{k}": self.target(batch[f"view_{k}"], training=training) for k in (1, 2)}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare each prediction with the target projection of the other view."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        one = losses.negative_cosine(outputs["p_1"], outputs["t_2"])
        other = losses.negative_cosine(outputs["p_2"], outputs["t_1"])
        return {"loss": (one + other) / 2, **measures.spread(outputs["z_1"])}

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Update the target network."""
        self.target.follow([self.encoder, self.projector], self.at(self.target_momentum))


@keras.saving.register_keras_serializable("keras_ssl")
class SimSiam(TwoViews):
    """Predict, from one view, the projection of the other view, with stop-gradient.

    Besides the loss it logs `std` and `dimensions` of the projections; see `BYOL`. A collapsed network has a lower loss
    than a healthy one.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers and a
            normalized output, k = d.
        predictor: `keras.Model` from `(n, k)` to `(n, k)`. Default: `heads.predictor` with a hidden layer of k / 4
            units.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", Eqs. 1 to 4 and Algorithm 1.
    """

    terms = ("loss", "std", "dimensions")
    compares_samples = True
    """The batch normalization does, which prevents a collapse; for a batch of one it gives zeros."""

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        predictor: keras.Model | None = None,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        width = encoder.output_shape[-1]
        if projector is None:
            projector = heads.projector(encoder, width, depth=2, normalize_output=True)
        self.projector = projector
        hidden = max(1, self.projector.output_shape[-1] // 4)
        self.predictor = heads.predictor(self.projector, hidden) if predictor is None else predictor

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project both views, and compute predictions from both projections."""
        return self.predict_views(batch, training)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare each prediction with the projection of the other view."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        one = losses.negative_cosine(outputs["p_1"], ops.stop_gradient(outputs["z_2"]))
        other = losses.negative_cosine(outputs["p_2"], ops.stop_gradient(outputs["z_1"]))
        return {"loss": (one + other) / 2, **measures.spread(outputs["z_1"])}


@keras.saving.register_keras_serializable("keras_ssl")
class DINO(TwoViews):
    """Predict, from every view and crop, the teacher's distribution over prototypes for each other large view.

    The teacher is the target network (the momentum encoder), and the representation is the teacher's. Besides the loss
    it logs `std` and `dimensions` of the student's representations (see `BYOL`) and `entropy`, the entropy of the
    teacher's mean distribution divided by log k: 1 if all prototypes are in use, 0 if only one is.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`. Crops of another size need an encoder whose input size
            is open, such as `encoders.conv_net((None, None, 3))`.
        projector: `keras.Model` from `(n, d)` to `(n, k)` scores. Default: `heads.prototypes(encoder)`, k = 1024.
        crops: Number of small crops, `"crop_1"`, … in the batch, which only the student sees. Default: 0.
        student_temperature: Temperature of the student's softmax, above 0: a number, or a schedule in steps.
            Default: 0.1.
        teacher_temperature: Temperature of the teacher's softmax, above 0: a number, or a schedule in steps.
            Default: 0.04. A warm-up to 0.07 is
            `keras.optimizers.schedules.PolynomialDecay(0.04, steps, end_learning_rate=0.07)`.
        center_momentum: Momentum of the running mean of the teacher's scores, 0..1. Default: 0.9.
        target_momentum: Momentum of the teacher, 0..1: a number, or a schedule in steps. Default: 0.99; see `BYOL`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", Eqs. 1 to 4, Algorithm 1.

    Departures:
        The projector has one hidden layer with batch normalization, and 1,024 prototypes; the paper's has three hidden
        layers and 65,536. The prototypes are not frozen in the first epoch. The paper's target_momentum is 0.996.
    """

    terms = ("loss", "std", "dimensions", "entropy")

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        crops: int = 0,
        student_temperature: Schedule = 0.1,
        teacher_temperature: Schedule = 0.04,
        center_momentum: float = 0.9,
        target_momentum: Schedule = 0.99,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("crops", crops, 0, whole=True)
        check_between("student_temperature", student_temperature, above=0, schedule=True)
        check_between("teacher_temperature", teacher_temperature, above=0, schedule=True)
        check_between("center_momentum", center_momentum, 0, 1)
        check_between("target_momentum", target_momentum, 0, 1, schedule=True)
        self.projector = heads.prototypes(encoder) if projector is None else projector
        self.crops = crops
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.center_momentum = center_momentum
        self.target_momentum = target_momentum
        self.target = TargetNetwork([self.encoder, self.projector], name="target")
        self.center = Center(self.projector.output_shape[-1], center_momentum, name="center")

    @property
    def embedder(self) -> keras.Model:
        """The teacher's encoder."""
        return self.target.copies[0]

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Compute the student's scores for all views, and the teacher's for the large ones."""
        outputs: dict[str, Tensor] = {}
        for k, key in enumerate(self.batch_keys, 1):
            h = self.encoder(batch[key], training=training)
            outputs[f"s_{k}"] = self.projector(h, training=training)
            if k == 1:
                outputs["h"] = h
            if k <= 2:
                outputs[f"t_{k}"] = self.target(batch[key], training=training)
        return outputs

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the student's scores of each view with the teacher's scores of the other large views."""
        outputs = {name: gather(x) for name, x in outputs.items()}
        student = [outputs[f"s_{k}"] for k in range(1, len(self.batch_keys) + 1)]
        teacher = [outputs["t_1"], outputs["t_2"]]
        center, temperature = ops.convert_to_tensor(self.center.value), self.at(self.teacher_temperature)
        assigned = ops.softmax((ops.concatenate(teacher) - center) / temperature, axis=-1)
        return {
            "loss": losses.dino(student, teacher, center, self.at(self.student_temperature), temperature),
            **measures.spread(outputs["h"]),
            "entropy": measures.usage_entropy(assigned),
        }

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Update the center and the teacher."""
        self.center.follow(gather(ops.concatenate([outputs["t_1"], outputs["t_2"]])))
        self.target.follow([self.encoder, self.projector], self.at(self.target_momentum))
