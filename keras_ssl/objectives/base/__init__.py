"""The base of all objectives: the training step, the batches that it takes, and what subclasses share."""

from keras_ssl.objectives.base.objective import Objective

__all__ = ["Objective"]
