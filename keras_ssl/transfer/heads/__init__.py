"""Heads for downstream tasks."""

from keras_ssl.transfer.heads.classifier import classifier
from keras_ssl.transfer.heads.forecaster import forecaster
from keras_ssl.transfer.heads.regressor import regressor
from keras_ssl.transfer.heads.tagger import tagger
from keras_ssl.transfer.heads.transcriber import transcriber
from keras_ssl.transfer.heads.words import token_labels, word_labels

__all__ = ["classifier", "forecaster", "regressor", "tagger", "token_labels", "transcriber", "word_labels"]
