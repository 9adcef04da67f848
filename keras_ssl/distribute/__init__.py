"""Training on several devices or machines with `tf.distribute`. On one device, and on JAX, collectives do nothing."""

from keras_ssl.distribute.collectives import assign, gather, mean, replica_index, replicas, share, total
from keras_ssl.distribute.replica_check import check_replicas
from keras_ssl.distribute.strategies import is_chief, scope_of, strategy
from keras_ssl.distribute.workarounds import reducible
from keras_ssl.distribute.workers import launch

__all__ = [
    "assign",
    "check_replicas",
    "gather",
    "is_chief",
    "launch",
    "mean",
    "reducible",
    "replica_index",
    "replicas",
    "scope_of",
    "share",
    "strategy",
    "total",
]
