"""Heads for downstream tasks."""

from keras_ssl.transfer.heads.classifier import classifier
from keras_ssl.transfer.heads.detector import detector
from keras_ssl.transfer.heads.forecaster import forecaster
from keras_ssl.transfer.heads.multi_label import multi_label
from keras_ssl.transfer.heads.regressor import regressor
from keras_ssl.transfer.heads.segmenter import segmenter
from keras_ssl.transfer.heads.tagger import tagger
from keras_ssl.transfer.heads.transcriber import transcriber
from keras_ssl.transfer.heads.words import token_labels, word_labels

__all__ = [
    "classifier",
    "detector",
    "forecaster",
    "multi_label",
    "regressor",
    "segmenter",
    "tagger",
    "token_labels",
    "transcriber",
    "word_labels",
]
