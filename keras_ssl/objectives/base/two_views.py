"""The forward pass that joint-embedding objectives share: both views through encoder, projector and predictor."""

__all__ = ["predict", "project"]


def project(objective, batch, training):
    """Return `{"z_1", "z_2"}`, the projections of both views.

    Args:
        objective: With `encoder` and `projector`.
        batch: Dict with "view_1" and "view_2".
        training: Whether this is a training step.
    """
    return {
        f"z_{k}": objective.projector(objective.encoder(batch[f"view_{k}"], training=training), training=training)
        for k in (1, 2)
    }


def predict(objective, batch, training):
    """Return `{"z_1", "z_2", "p_1", "p_2"}`, the projections and what the `predictor` makes of them; see `project`."""
    outputs = project(objective, batch, training)
    return outputs | {f"p_{k}": objective.predictor(outputs[f"z_{k}"], training=training) for k in (1, 2)}
