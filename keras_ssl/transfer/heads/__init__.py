"""Heads for downstream tasks."""

from keras_ssl.transfer.heads.classifier import classifier

__all__ = ["classifier"]
