"""Objectives that predict what comes next: the values of a series, its frames, and the frames of a video."""

from keras_ssl.objectives.predictive.contrastive import ContrastivePredictiveCoding
from keras_ssl.objectives.predictive.forecasting import Forecasting
from keras_ssl.objectives.predictive.frames import FramePrediction

__all__ = ["ContrastivePredictiveCoding", "Forecasting", "FramePrediction"]
