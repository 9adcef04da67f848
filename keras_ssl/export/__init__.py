"""Making of what production wants: a SavedModel and an ONNX file, proved equal to the Keras model, in a version folder.

Everything here but `stock` needs the TensorFlow backend.
"""

from keras_ssl.export.deployment import deploy
from keras_ssl.export.formats import onnx, saved_model
from keras_ssl.export.parity import ParityError, verify
from keras_ssl.export.rewriting import stock

__all__ = ["saved_model", "onnx", "verify", "deploy", "stock", "ParityError"]
