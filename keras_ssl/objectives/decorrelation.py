"""Objectives that pull views together and decorrelate the dimensions of the projection."""

from typing import Any

import keras

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews
from keras_ssl.typing import Batch, Tensor

__all__ = ["BarlowTwins", "VICReg"]


class _Decorrelation(TwoViews):
    """Compares the projections of both views over the global batch; the default projector has two hidden layers."""

    terms = ("loss", "std", "dimensions")
    compares_samples = True

    def __init__(self, encoder: keras.Model, projector: keras.Model | None = None, seed: int = 0, **kwargs: Any):
        super().__init__(encoder, seed=seed, **kwargs)
        wide = 4 * encoder.output_shape[-1]
        self.projector = heads.projector(encoder, wide, hidden=wide, depth=2) if projector is None else projector

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project both views."""
        return self.project(batch, training)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the projections of the global batch."""
        z_1, z_2 = gather(outputs["z_1"]), gather(outputs["z_2"])
        return {"loss": self.compare(z_1, z_2), **measures.spread(z_1)}

    def compare(self, z_1: Tensor, z_2: Tensor) -> Tensor:
        """Return the loss of the projections `(n, k)` of the global batch."""
        raise NotImplementedError(f"{type(self).__name__} must define compare(z_1, z_2).")


@keras.saving.register_keras_serializable("keras_ssl")
class BarlowTwins(_Decorrelation):
    """Make the cross-correlation matrix of two views' projections the identity.

    Besides the loss it logs `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers, all of
            width 4d.
        redundancy: Weight of the penalty on correlations between dimensions, at least 0. Default: 5e-3.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", Eqs. 1 and 2.

    Departures:
        The projector is 4d wide; the paper's is 8192 wide (4d for a ResNet-50).
    """

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        redundancy: float = 5e-3,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, projector, seed=seed, **kwargs)
        check_between("redundancy", redundancy, 0)
        self.redundancy = redundancy

    def compare(self, z_1: Tensor, z_2: Tensor) -> Tensor:
        """Return `losses.barlow_twins` of the projections `(n, k)` of the global batch."""
        return losses.barlow_twins(z_1, z_2, self.redundancy)


@keras.saving.register_keras_serializable("keras_ssl")
class VICReg(_Decorrelation):
    """Keep the views together, each dimension spread out, and the dimensions uncorrelated.

    Besides the loss it logs `std` and `dimensions` of the projections; see `BarlowTwins`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers, all of
            width 4d.
        invariance: Weight of the squared difference between views, at least 0. Default: 25.
        variance: Weight of the hinge that keeps standard deviations above 1, at least 0. Default: 25.
        covariance: Weight of the penalty on covariances between dimensions, at least 0. Default: 1.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning", Eq. 6.
    """

    def __init__(
        self,
        encoder: keras.Model,
        projector: keras.Model | None = None,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, projector, seed=seed, **kwargs)
        for name, weight in (("invariance", invariance), ("variance", variance), ("covariance", covariance)):
            check_between(name, weight, 0)
        self.invariance = invariance
        self.variance = variance
        self.covariance = covariance

    def compare(self, z_1: Tensor, z_2: Tensor) -> Tensor:
        """Return `losses.vicreg` of the projections `(n, k)` of the global batch."""
        return losses.vicreg(z_1, z_2, self.invariance, self.variance, self.covariance)
