"""Export to a SavedModel and an ONNX file that are verified against the Keras model, in a version folder.

Everything here except `stock` needs the TensorFlow backend.
"""

from keras_ssl.export.deployment import deploy
from keras_ssl.export.formats import onnx, saved_model
from keras_ssl.export.parity import ParityError, verify
from keras_ssl.export.rewriting import stock

__all__ = ["ParityError", "deploy", "onnx", "saved_model", "stock", "verify"]
