"""The base class of joint-embedding objectives: their batch keys, and the forward pass over both views."""

import keras

from keras_ssl.batch_keys import view_keys
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.typing import Batch, Tensor

__all__ = ["TwoViews"]


class TwoViews(Objective):
    """The base class of objectives that compare two large views of a sample, and perhaps `crops` small ones.

    A subclass sets `projector`, and `predictor` if it calls `predict_views`.
    """

    projector: keras.Model
    predictor: keras.Model
    crops: int = 0
    """Number of small crops, `"crop_1"`, … in the batch."""

    @property
    def batch_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the views that a batch must hold."""
        return view_keys(self.crops)

    @property
    def batches_call(self) -> str:  # type: ignore[override]
        """A call that makes such batches, for error messages."""
        if self.crops:
            return f"data.batches(source, views=views.multi_crop(policy, crop_policy, crops={self.crops}))"
        return "data.batches(source, views=views.digits())"

    def project(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Return `{"z_1", "z_2"}`, the projections of both views.

        Args:
            batch: Dict with "view_1" and "view_2".
            training: Whether this is a training step.
        """
        return {
            f"z_{k}": self.projector(self.encoder(batch[f"view_{k}"], training=training), training=training)
            for k in (1, 2)
        }

    def predict_views(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Return `{"z_1", "z_2", "p_1", "p_2"}`: the projections, and the predictor's outputs for them.

        Args:
            batch: See `project`.
            training: See `project`.
        """
        outputs = self.project(batch, training)
        return outputs | {f"p_{k}": self.predictor(outputs[f"z_{k}"], training=training) for k in (1, 2)}
