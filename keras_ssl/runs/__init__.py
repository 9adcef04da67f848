"""What the command line and the notebooks call: pretraining into a folder, and the model files found there."""

from keras_ssl.runs.model_files import about, load_model, save_model
from keras_ssl.runs.pretraining import pretrain

__all__ = ["about", "load_model", "pretrain", "save_model"]
