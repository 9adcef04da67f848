"""Objectives that predict what another network, or another view, says. Nothing is pushed apart."""

import keras
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews
from keras_ssl.state import Center, TargetNetwork

__all__ = ["BYOL", "DINO", "SimSiam"]


@keras.saving.register_keras_serializable("keras_ssl")
class BYOL(TwoViews):
    """Predict, from one view, what a slowly moving copy of the network says of the other.

    Logs, beside the loss, `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse. The loss does not show it.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        predictor: `keras.Model` from `(n, k)` to `(n, k)`. Default: `heads.predictor(projector)`.
        target_momentum: Of the target network, 0..1; a number, or a schedule in steps. Default 0.99. The paper's cosine
            to 1 is `keras.optimizers.schedules.CosineDecay(0.996, steps, alpha=1 / 0.996)`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Grill et al. 2020, "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning", Eqs. 1 to 3.

    Departures:
        The loss is the mean of the two negative cosines, which is a quarter of the paper's less 1. Heads are as wide as
        the encoder, not 4096.
    """

    terms = ("loss", "std", "dimensions")

    def __init__(self, encoder, projector=None, predictor=None, target_momentum=0.99, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("target_momentum", target_momentum, 0, 1)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.predictor = heads.predictor(self.projector) if predictor is None else predictor
        self.target_momentum = target_momentum
        self.target = TargetNetwork([self.encoder, self.projector], name="target")

    def forward_pass(self, batch, training):
        """Predict from both views, and let the target network project both."""
        outputs = self.predict_views(batch, training)
        return outputs | {f"t_{k}": self.target(batch[f"view_{k}"], training=training) for k in (1, 2)}

    def loss_terms(self, outputs):
        """Compare each prediction with the target of the other view."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        one = losses.negative_cosine(outputs["p_1"], outputs["t_2"])
        other = losses.negative_cosine(outputs["p_2"], outputs["t_1"])
        return {"loss": (one + other) / 2, **measures.spread(outputs["z_1"])}

    def after_step(self, outputs):
        """Move the target network."""
        self.target.follow([self.encoder, self.projector], self.at(self.target_momentum))


@keras.saving.register_keras_serializable("keras_ssl")
class SimSiam(TwoViews):
    """Predict, from one view, the projection of the other, whose gradient is stopped.

    Logs, beside the loss, `std` and `dimensions` of the projections; see `BYOL`. A collapsed network has a lower loss
    than a healthy one.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers and a
            normalized output, k = d.
        predictor: `keras.Model` from `(n, k)` to `(n, k)`. Default: `heads.predictor` with a hidden layer of k / 4.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", Eqs. 1 to 4 and Algorithm 1.
    """

    terms = ("loss", "std", "dimensions")
    compares_samples = True
    """By its batch normalization, without which it collapses: of one sample it makes zeros."""

    def __init__(self, encoder, projector=None, predictor=None, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        width = encoder.output_shape[-1]
        if projector is None:
            projector = heads.projector(encoder, width, depth=2, normalize_output=True)
        self.projector = projector
        hidden = max(1, self.projector.output_shape[-1] // 4)
        self.predictor = heads.predictor(self.projector, hidden) if predictor is None else predictor

    def forward_pass(self, batch, training):
        """Project both views, and predict from both projections."""
        return self.predict_views(batch, training)

    def loss_terms(self, outputs):
        """Compare each prediction with the projection of the other view."""
        outputs = {name: gather(z) for name, z in outputs.items()}
        one = losses.negative_cosine(outputs["p_1"], ops.stop_gradient(outputs["z_2"]))
        other = losses.negative_cosine(outputs["p_2"], ops.stop_gradient(outputs["z_1"]))
        return {"loss": (one + other) / 2, **measures.spread(outputs["z_1"])}


@keras.saving.register_keras_serializable("keras_ssl")
class DINO(TwoViews):
    """Predict, from every view and crop, over which prototypes a slowly moving copy spreads each large view.

    The representation is that of the copy (the teacher). Logs, beside the loss, `std` and `dimensions` of the student's
    representations (see `BYOL`) and `entropy`, that of the teacher's mean distribution over log k: 1 when all
    prototypes are in use, 0 when one is.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; for crops of another size one whose input size is open,
            such as `encoders.conv_net((None, None, 3))`.
        projector: `keras.Model` from `(n, d)` to `(n, k)` scores. Default: `heads.prototypes(encoder)`, k = 1024.
        crops: Number of small crops, `"crop_1"`, … in the batch, which the student alone sees. Default 0.
        student_temperature: Above 0; a number, or a schedule in steps. Default 0.1.
        teacher_temperature: Above 0; a number, or a schedule in steps. Default 0.04. A warm-up to 0.07 is
            `keras.optimizers.schedules.PolynomialDecay(0.04, steps, end_learning_rate=0.07)`.
        center_momentum: Of the running mean of the teacher's scores, 0..1. Default 0.9.
        target_momentum: Of the teacher, 0..1; a number, or a schedule in steps. Default 0.99; see `BYOL`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", Eqs. 1 to 4, Algorithm 1.

    Departures:
        The projector has one hidden layer with batch normalization, and 1,024 prototypes, there three hidden layers and
        65,536. The prototypes are not held still in the first epoch. target_momentum is 0.996 there.
    """

    terms = ("loss", "std", "dimensions", "entropy")

    def __init__(
        self,
        encoder,
        projector=None,
        crops=0,
        student_temperature=0.1,
        teacher_temperature=0.04,
        center_momentum=0.9,
        target_momentum=0.99,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("crops", crops, 0)
        check_between("student_temperature", student_temperature, above=0)
        check_between("teacher_temperature", teacher_temperature, above=0)
        check_between("center_momentum", center_momentum, 0, 1)
        check_between("target_momentum", target_momentum, 0, 1)
        self.projector = heads.prototypes(encoder) if projector is None else projector
        self.crops = crops
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.center_momentum = center_momentum
        self.target_momentum = target_momentum
        self.target = TargetNetwork([self.encoder, self.projector], name="target")
        self.center = Center(self.projector.output_shape[-1], center_momentum, name="center")

    @property
    def embedder(self):
        """The teacher's encoder."""
        return self.target.copies[0]

    def forward_pass(self, batch, training):
        """Score all views by the student, and the large ones by the teacher."""
        outputs: dict = {}
        for k, key in enumerate(self.batch_keys, 1):
            h = self.encoder(batch[key], training=training)
            outputs[f"s_{k}"] = self.projector(h, training=training)
            if k == 1:
                outputs["h"] = h
            if k <= 2:
                outputs[f"t_{k}"] = self.target(batch[key], training=training)
        return outputs

    def loss_terms(self, outputs):
        """Compare the student's scores of each view with the teacher's of the other large ones."""
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

    def after_step(self, outputs):
        """Move the center and the teacher."""
        self.center.follow(gather(ops.concatenate([outputs["t_1"], outputs["t_2"]])))
        self.target.follow([self.encoder, self.projector], self.at(self.target_momentum))
