"""The file formats, one module for each: SavedModel and ONNX."""

from keras_ssl.export.formats.onnx_format import OPSET, onnx, write_onnx
from keras_ssl.export.formats.saved_model_format import saved_model, write_saved_model

__all__ = ["OPSET", "onnx", "saved_model", "write_onnx", "write_saved_model"]
