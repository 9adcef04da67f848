"""Importing this module registers every class and function of the package that a saved model may hold.

`import keras_ssl` imports it, so that Keras can load `.keras` files with them.
"""

from keras_ssl.backends import check_backend

check_backend()

from keras_ssl import blocks, likelihoods, losses, objectives, optimizers, state, transfer, transforms  # noqa: E402

__all__ = ["blocks", "likelihoods", "losses", "objectives", "optimizers", "state", "transfer", "transforms"]
