"""What handles a network as a graph of layers: copies, weights, inference."""

from keras_ssl.networks.cloning import copy_statistics, set_weights
from keras_ssl.networks.inference import predict_in_batches

__all__ = ["copy_statistics", "predict_in_batches", "set_weights"]
