"""Objectives that predict how an image was transformed, or attributes computed from a sample or its tokens."""

from keras_ssl.objectives.pretext.attributes import AttributePrediction
from keras_ssl.objectives.pretext.flip import FlipPrediction
from keras_ssl.objectives.pretext.jigsaw import JigsawPrediction
from keras_ssl.objectives.pretext.rotation import RotationPrediction
from keras_ssl.objectives.pretext.token_attributes import TokenAttributes
from keras_ssl.objectives.pretext.transformation import ChanceWarning, TransformationPrediction

__all__ = [
    "AttributePrediction",
    "FlipPrediction",
    "JigsawPrediction",
    "RotationPrediction",
    "ChanceWarning",
    "TokenAttributes",
    "TransformationPrediction",
]
