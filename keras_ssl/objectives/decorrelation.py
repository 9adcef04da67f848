"""Objectives that draw views together and keep the dimensions of the projection apart."""

import keras

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.objectives.base.two_views import TwoViews

__all__ = ["BarlowTwins", "VICReg"]


class _Decorrelation(TwoViews):
    """Projects both views with two hidden layers, and compares the projections of the global batch."""

    terms = ("loss", "std", "dimensions")
    compares_samples = True

    def __init__(self, encoder, projector=None, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        wide = 4 * encoder.output_shape[-1]
        self.projector = heads.projector(encoder, wide, hidden=wide, depth=2) if projector is None else projector

    def forward_pass(self, batch, training):
        """Project both views."""
        return self.project(batch, training)

    def loss_terms(self, outputs):
        """Compare the projections of the global batch."""
        z_1, z_2 = gather(outputs["z_1"]), gather(outputs["z_2"])
        return {"loss": self.compare(z_1, z_2), **measures.spread(z_1)}


@keras.saving.register_keras_serializable("keras_ssl")
class BarlowTwins(_Decorrelation):
    """Make the cross-correlation of two views' projections the identity matrix.

    Logs, beside the loss, `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers, all of
            width 4d.
        redundancy: Weight of the correlations between dimensions, at least 0. Default 5e-3.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", Eqs. 1 and 2.

    Departures:
        The projector is 4d wide, there 8192 (4d for a ResNet-50).
    """

    def __init__(self, encoder, projector=None, redundancy=5e-3, seed=0, **kwargs):
        super().__init__(encoder, projector, seed=seed, **kwargs)
        check_between("redundancy", redundancy, 0)
        self.redundancy = redundancy

    def compare(self, z_1, z_2):
        """Return the loss of the global projections."""
        return losses.barlow_twins(z_1, z_2, self.redundancy)


@keras.saving.register_keras_serializable("keras_ssl")
class VICReg(_Decorrelation):
    """Keep the views together, each dimension spread out, and the dimensions uncorrelated.

    Logs, beside the loss, `std` and `dimensions` of the projections; see `BarlowTwins`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector` with two hidden layers, all of
            width 4d.
        invariance: Weight of the difference between views, at least 0. Default 25.
        variance: Weight of what keeps standard deviations above 1, at least 0. Default 25.
        covariance: Weight of the covariances between dimensions, at least 0. Default 1.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning", Eq. 6.
    """

    def __init__(self, encoder, projector=None, invariance=25.0, variance=25.0, covariance=1.0, seed=0, **kwargs):
        super().__init__(encoder, projector, seed=seed, **kwargs)
        for name, weight in (("invariance", invariance), ("variance", variance), ("covariance", covariance)):
            check_between(name, weight, 0)
        self.invariance = invariance
        self.variance = variance
        self.covariance = covariance

    def compare(self, z_1, z_2):
        """Return the loss of the global projections."""
        return losses.vicreg(z_1, z_2, self.invariance, self.variance, self.covariance)
